"""The catalogue's commands: how one is typed, who may ask for it, what it waits for, what it runs."""
