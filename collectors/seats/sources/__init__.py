"""Where evidence about seats comes from, one file a source."""
