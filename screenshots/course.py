"""What is worked on in the pictures: one course, and a shorter one before it."""

from __future__ import annotations

import base64
import hashlib

TITLES = (
    "Bits, Bytes and Why There Are Eight",
    "Logic Gates from Switches",
    "Binary Arithmetic and Overflow",
    "How a Processor Executes One Instruction",
    "Registers, Stack and Calling Conventions",
    "Assembly by Hand",
    "Caching and the Memory Hierarchy, Part 2",
    "Pipelines and Branch Prediction",
    "Interrupts and System Calls",
    "Processes, Threads and Context Switches",
    "Scheduling: Who Runs Next?",
    "Virtual Memory and Page Tables",
    "Locks, Semaphores and Deadlock",
    "File Systems and the Journal",
    "What Happens When You Press a Key",
    "Arrays, Lists and Amortised Cost",
    "Binary Search and Its Invariants",
    "Sorting: Merge, Quick and Heap",
    "Balanced Trees without Tears",
    "Hash Functions in Practice",
    "Graphs: Breadth First, Depth First",
    "Shortest Paths with Dijkstra",
    "Minimum Spanning Trees",
    "Dynamic Programming in Four Steps",
    "Greedy Algorithms and When They Fail",
    "Recursion, Induction and Proof",
    "NP-Completeness, Gently",
    "Regular Expressions and Automata",
    "Grammars and Recursive Descent",
    "How a Compiler Sees Your Code",
    "Garbage Collection",
    "Types as Promises",
    "Packets, Addresses and Routing",
    "TCP: Reliability over an Unreliable Network",
    "DNS, Step by Step",
    "TLS and What the Padlock Means",
    "Relational Tables and Joins",
    "Transactions and Isolation Levels",
    "Indexes: B-Trees on Disk",
    "Replication and Consensus",
    "Where to Go from Here",
)
EARLIER = (
    "Vectors as Arrows and as Lists",
    "Linear Combinations, Span and Bases",
    "Matrices as Transformations",
    "Matrix Multiplication, Seen",
    "Determinants as Areas",
    "Inverse Matrices and Null Space",
    "Dot Products and Duality",
    "Change of Basis",
    "Eigenvectors and Eigenvalues",
)


def video_id(title: str) -> str:
    """The id the played YouTube knows it by."""
    return base64.urlsafe_b64encode(hashlib.sha256(title.encode()).digest())[:11].decode()


COURSE = {video_id(title): title for title in TITLES}
EARLIER_COURSE = {video_id(title): title for title in EARLIER}
VIDEOS = COURSE | EARLIER_COURSE
