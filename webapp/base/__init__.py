"""Parts that every other room of the page uses: words, errors, files and components."""
