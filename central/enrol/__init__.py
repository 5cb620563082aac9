"""Who may speak: the authority of the country, one-time tokens, certificates, and their revocation."""
