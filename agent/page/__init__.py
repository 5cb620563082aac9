"""The local status page: works with the line cut, needs no script, no font and no network."""
