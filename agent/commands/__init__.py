"""What the command line does, one file a group of commands; `agent.__main__` only parses."""
