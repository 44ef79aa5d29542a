/** Points by WebGL 2: one draw call, colours through a palette texture, so that recolouring moves two bytes a point. */
import { scaleOf } from "./camera.js";
import { bytesOfColour, keptFor } from "./css-colour.js";
import { linePixels, lineStrength } from "./grid-lines.js";
import { type PointLayer, type PointStyle, SELECTED, SIZES } from "./point-layer.js";
import { LEAST_SHAPE_PIXELS } from "./shapes.js";

const PALETTE_WIDTH = 256;

const VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec2 position;
layout(location = 1) in uint colour;
layout(location = 2) in uint flags;
layout(location = 3) in float share; // 0 to 1, the smallest to the largest point
uniform vec2 centre;
uniform vec2 scale;
uniform float size;
uniform float dimmed;
uniform uint pass; // 0: all visible; 1: outside the selection; 2: the selection
uniform highp sampler2D palette;
out vec4 shade;
flat out int mark;
flat out float edge;
void main() {
  vec4 entry = texelFetch(palette, ivec2(int(colour) & 255, int(colour) >> 8), 0);
  bool selected = (flags & 2u) != 0u;
  mark = int(entry.a * 255.0 + 0.5);
  bool drawn = (flags & 1u) != 0u && mark > 0 && (pass == 0u || (pass == 2u) == selected);
  gl_Position = drawn ? vec4((position - centre) * scale, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  float diameter = max(1.0, size * mix(float(${SIZES.least}), float(${SIZES.most}), share));
  gl_PointSize = diameter;
  edge = min(1.0, 3.0 / diameter);
  if (diameter < float(${LEAST_SHAPE_PIXELS})) mark = 1;
  shade = vec4(entry.rgb, pass == 1u ? dimmed : 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade;
flat in int mark;
flat in float edge;
out vec4 result;
// As reach() in shapes.ts.
float reach(vec2 p) {
  vec2 a = abs(p);
  if (mark == 2) return max(a.x, a.y) / 0.84;
  if (mark == 3) return max(p.y / 0.72, (1.704 * a.x - p.y) / 0.95);
  if (mark == 4) return a.x + a.y;
  if (mark == 5) return max(min(a.x, a.y) / 0.36, max(a.x, a.y) / 0.96);
  if (mark == 6) return max(-p.y / 0.72, (1.704 * a.x + p.y) / 0.95);
  return length(p);
}
void main() {
  float radius = reach((gl_PointCoord - 0.5) * 2.0);
  float cover = 1.0 - smoothstep(1.0 - edge, 1.0, radius);
  if (cover <= 0.0) discard;
  float alpha = shade.a * cover;
  result = vec4(shade.rgb * alpha, alpha);
}`;

/**
 * A layer on this canvas.
 *
 * @param lost called when the browser takes the context away (the GPU was reset, too many tabs)
 * @returns undefined where WebGL 2 is missing
 */
export function webglLayer(canvas: HTMLCanvasElement, lost: () => void): PointLayer | undefined {
  const gl = canvas.getContext("webgl2", { antialias: false, depth: false, stencil: false, premultipliedAlpha: true });
  if (!gl) return undefined;
  const program = link(gl);
  if (!program) return undefined;
  const uniform = (name: string) => gl.getUniformLocation(program, name);
  const at = {
    centre: uniform("centre"),
    scale: uniform("scale"),
    size: uniform("size"),
    dimmed: uniform("dimmed"),
    pass: uniform("pass"),
    palette: uniform("palette"),
  };
  const vertices = gl.createVertexArray();
  gl.bindVertexArray(vertices);
  const attribute = (location: number, set: () => void) => {
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    set();
    return buffer;
  };
  const positions = attribute(0, () => gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0));
  const colours = attribute(1, () => gl.vertexAttribIPointer(1, 1, gl.UNSIGNED_SHORT, 0, 0));
  const flagBytes = attribute(2, () => gl.vertexAttribIPointer(2, 1, gl.UNSIGNED_BYTE, 0, 0));
  const sizeBytes = attribute(3, () => gl.vertexAttribPointer(3, 1, gl.UNSIGNED_BYTE, true, 0, 0));
  // Without sizes of their own all points take this one, which the shader makes the common diameter.
  const commonSize = (1 - SIZES.least) / (SIZES.most - SIZES.least);
  gl.disableVertexAttribArray(3);
  gl.vertexAttrib1f(3, commonSize);
  const palette = gl.createTexture();
  let points = 0;
  let size = { width: 1, height: 1 };
  let ratio = 1;

  const upload = (buffer: WebGLBuffer | null, data: ArrayBufferView) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
  };
  const onLost = (event: Event) => {
    event.preventDefault();
    lost();
  };
  canvas.addEventListener("webglcontextlost", onLost);

  const lineColour = keptFor((css) => [...bytesOfColour(css)].map((value) => value / 255));
  /** Upright and level lines are clears of a few pixels: exact, and no program has to be bound. */
  const drawLines = ({ lines, line: css }: PointStyle): void => {
    const [red = 0, green = 0, blue = 0, opacity = 1] = lineColour(css);
    gl.enable(gl.SCISSOR_TEST);
    for (const line of lines) {
      const alpha = opacity * lineStrength(line);
      const { first, thick } = linePixels(line, ratio);
      gl.clearColor(red * alpha, green * alpha, blue * alpha, alpha);
      if (line.upright) gl.scissor(first, 0, thick, canvas.height);
      // WebGL counts from below.
      else gl.scissor(0, canvas.height - first - thick, canvas.width, thick);
      gl.clear(gl.COLOR_BUFFER_BIT);
    }
    gl.disable(gl.SCISSOR_TEST);
  };

  return {
    kind: "webgl",
    setPositions(xy) {
      points = xy.length >> 1;
      upload(positions, xy);
    },
    setColours: (index) => upload(colours, index),
    setFlags: (flags) => upload(flagBytes, flags),
    setSizes(sizes) {
      gl.bindVertexArray(vertices);
      if (sizes) {
        upload(sizeBytes, sizes);
        gl.enableVertexAttribArray(3);
      } else gl.disableVertexAttribArray(3);
    },
    setPalette(entries) {
      const height = Math.max(1, Math.ceil(entries.length / 4 / PALETTE_WIDTH));
      const padded = new Uint8Array(PALETTE_WIDTH * height * 4);
      padded.set(entries);
      gl.bindTexture(gl.TEXTURE_2D, palette);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, PALETTE_WIDTH, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, padded);
    },
    resize(width, height, pixelRatio) {
      size = { width, height };
      ratio = pixelRatio;
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    },
    draw(camera, style) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      drawLines(style);
      if (points === 0) return;
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's useProgram is no hook.
      gl.useProgram(program);
      gl.bindVertexArray(vertices);
      gl.bindTexture(gl.TEXTURE_2D, palette);
      const scale = scaleOf(camera, size);
      gl.uniform2f(at.centre, camera.x, camera.y);
      gl.uniform2f(at.scale, scale.x / (size.width / 2), scale.y / (size.height / 2));
      gl.uniform1f(at.size, style.size * ratio);
      gl.uniform1f(at.dimmed, style.dimmed);
      gl.uniform1i(at.palette, 0);
      for (const pass of style.selecting ? [1, SELECTED] : [0]) {
        gl.uniform1ui(at.pass, pass);
        gl.drawArrays(gl.POINTS, 0, points);
      }
    },
    destroy() {
      canvas.removeEventListener("webglcontextlost", onLost);
      for (const buffer of [positions, colours, flagBytes, sizeBytes]) gl.deleteBuffer(buffer);
      gl.deleteTexture(palette);
      gl.deleteVertexArray(vertices);
      gl.deleteProgram(program);
    },
  };
}

let emulated: boolean | undefined;

/**
 * True where WebGL is there, but the name of what draws is one of the known programs that do it without a GPU. Asked once
 * a page: the answer takes some milliseconds.
 */
export function isWebglEmulated(): boolean {
  emulated ??= askRenderer();
  return emulated;
}

function askRenderer(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  // `failIfMajorPerformanceCaveat` should say so, but Chromium gives SwiftShader in spite of it.
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  // Browsers allow a page only some contexts.
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

function link(gl: WebGL2RenderingContext): WebGLProgram | undefined {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) return undefined;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (gl.getProgramParameter(program, gl.LINK_STATUS)) return program;
  console.error(`WebGL refused the point shader: ${gl.getProgramInfoLog(program)}`);
  return undefined;
}
