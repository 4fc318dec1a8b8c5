"""Finished results: compared, looked at closely, saved."""
