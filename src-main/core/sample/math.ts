/** The little mathematics that drawing needs, from operations that give the same bits everywhere (see random.ts). */

export type Vec3 = readonly [x: number, y: number, z: number];
/** Row-major 3 x 3. */
export type Mat3 = readonly [number, number, number, number, number, number, number, number, number];

/** sin(2 pi t). Taylor's polynomial on a quarter turn: within 1e-9 of the sine. */
export function sinTurn(t: number): number {
  let x = t - Math.floor(t);
  let sign = 1;
  if (x >= 0.5) {
    x -= 0.5;
    sign = -1;
  }
  if (x > 0.25) x = 0.5 - x;
  const a = x * 6.283185307179586;
  const s = a * a;
  const even =
    1 + s * (-1 / 6 + s * (1 / 120 + s * (-1 / 5040 + s * (1 / 362880 + s * (-1 / 39916800 + s / 6227020800)))));
  return sign * a * even;
}

/** cos(2 pi t). */
export function cosTurn(t: number): number {
  return sinTurn(t + 0.25);
}

export function clamp01(x: number): number {
  return Math.min(1, Math.max(0, x));
}

export function lerp(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/** 0 below `from`, 1 above `to` (or the other way round where from > to), smooth between. */
export function smoothstep(from: number, to: number, x: number): number {
  const t = clamp01((x - from) / (to - from));
  return t * t * (3 - 2 * t);
}

export function normalize(v: Vec3): Vec3 {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  return length > 0 ? [v[0] / length, v[1] / length, v[2] / length] : [0, 0, 1];
}

export function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function multiply(a: Mat3, b: Mat3): Mat3 {
  const row = (i: 0 | 3 | 6): Vec3 => [
    a[i] * b[0] + a[(i + 1) as 1] * b[3] + a[(i + 2) as 2] * b[6],
    a[i] * b[1] + a[(i + 1) as 1] * b[4] + a[(i + 2) as 2] * b[7],
    a[i] * b[2] + a[(i + 1) as 1] * b[5] + a[(i + 2) as 2] * b[8],
  ];
  return [...row(0), ...row(3), ...row(6)];
}

/** Rotation about x, y or z by `turns`. */
export function rotation(axis: "x" | "y" | "z", turns: number): Mat3 {
  const c = cosTurn(turns);
  const s = sinTurn(turns);
  if (axis === "x") return [1, 0, 0, 0, c, -s, 0, s, c];
  if (axis === "y") return [c, 0, s, 0, 1, 0, -s, 0, c];
  return [c, -s, 0, s, c, 0, 0, 0, 1];
}

export function transform(m: Mat3, v: Vec3): Vec3 {
  return [
    m[0] * v[0] + m[1] * v[1] + m[2] * v[2],
    m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
    m[6] * v[0] + m[7] * v[1] + m[8] * v[2],
  ];
}
