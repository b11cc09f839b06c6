"""Cards: a page of Markdown for each recipe and each word of the registry, for docs/ and for `promptzoo show`."""
