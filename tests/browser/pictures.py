"""Small pictures: a screenshot's PNG reduced to 24 colours, which is all that a page has apart from shades."""

import base64
import struct
import zlib

from playwright.sync_api import Browser

COUNTED = """
async (source) => {
  const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + source)).blob());
  const {width, height} = bitmap;
  const pen = new OffscreenCanvas(width, height).getContext('2d');
  pen.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
  const count = new Map();
  for (const pixel of pixels) count.set(pixel, (count.get(pixel) || 0) + 1);
  const palette = [...count.keys()].sort((a, b) => count.get(b) - count.get(a)).slice(0, 24);
  const index = new Map(palette.map((pixel, n) => [pixel, n]));
  const parts = (pixel) => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];
  const known = palette.map(parts);
  const nearest = (pixel) => {
    const [r, g, b] = parts(pixel);
    let best = 0, least = Infinity;
    known.forEach(([x, y, z], n) => {
      const far = (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2;
      if (far < least) [best, least] = [n, far];
    });
    index.set(pixel, best);
    return best;
  };
  let text = '';
  for (const pixel of pixels) text += String.fromCharCode(index.get(pixel) ?? nearest(pixel));
  return {width, height, palette: known.flat(), pixels: btoa(text)};
}
"""


def smaller(browser: Browser, png: bytes) -> bytes:
    """Convert a PNG to one with a palette; the browser itself decodes it."""
    page = browser.new_page()
    seen = page.evaluate(COUNTED, base64.b64encode(png).decode())
    page.close()
    width, height, pixels = seen["width"], seen["height"], base64.b64decode(seen["pixels"])
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(seen["palette"])),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
