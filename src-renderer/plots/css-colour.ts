/** A CSS colour as red, green, blue and alpha, 0 to 255; white where the browser draws nothing. */
export function bytesOfColour(css: string): Uint8ClampedArray {
  const one = document.createElement("canvas");
  one.width = 1;
  one.height = 1;
  const context = one.getContext("2d");
  if (!context) return new Uint8ClampedArray([255, 255, 255, 255]);
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

/** `make` of the last colour that was asked for: a theme changes far less often than a picture is drawn. */
export function keptFor<T>(make: (css: string) => T): (css: string) => T {
  let last: { css: string; made: T } | undefined;
  return (css) => {
    if (last?.css !== css) last = { css, made: make(css) };
    return last.made;
  };
}
