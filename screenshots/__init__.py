"""Pictures of the app, drawn from the app itself over services that are played."""
