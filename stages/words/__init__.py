"""Words and sentences of a batch of texts: which splitter a user may name, and the spans that it finds."""
