"""What operators see and do, one noun to a file. Listings take filters as text, as an address has them; empty for none."""
