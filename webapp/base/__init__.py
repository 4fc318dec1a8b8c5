"""Parts of the page that every other room uses: words, errors, files and components."""
