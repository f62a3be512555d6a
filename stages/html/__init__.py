"""From the payload of an HTTP response to text, title, date and blocks: pure functions over one page."""
