"""The program from outside: a process of its own, judged by what it prints, leaves on disk and exits with."""
