"""Makes the test files that the native tests cannot write themselves. Needs Pillow; run in this folder."""

from PIL import Image

frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "green", "blue")]
frames[0].save("animated.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)
