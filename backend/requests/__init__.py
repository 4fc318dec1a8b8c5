"""Request bodies to replies, the same for every transport."""
