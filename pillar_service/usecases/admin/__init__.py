"""What operators see and do; one noun, one file. Listings take filters as an address has them: text, empty for none."""
