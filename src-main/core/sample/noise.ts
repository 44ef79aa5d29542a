/** Procedural texture: value noise and scattered dots in three dimensions, without a table of random numbers. */
import { mix32 } from "./random.js";

function lattice(x: number, y: number, z: number, seed: number): number {
  const h = Math.imul(x, 0x27d4eb2f) ^ Math.imul(y, 0x165667b1) ^ Math.imul(z, 0x9e3779b1) ^ seed;
  return mix32(h) / 2 ** 32;
}

/** Smooth noise in [0, 1); one lattice cell has side 1. */
export function noise(x: number, y: number, z: number, seed: number): number {
  const xi = Math.floor(x);
  const yi = Math.floor(y);
  const zi = Math.floor(z);
  const fx = x - xi;
  const fy = y - yi;
  const fz = z - zi;
  const u = fx * fx * (3 - 2 * fx);
  const v = fy * fy * (3 - 2 * fy);
  const w = fz * fz * (3 - 2 * fz);
  const a = lattice(xi, yi, zi, seed);
  const b = lattice(xi, yi + 1, zi, seed);
  const c = lattice(xi, yi, zi + 1, seed);
  const d = lattice(xi, yi + 1, zi + 1, seed);
  const ax = a + (lattice(xi + 1, yi, zi, seed) - a) * u;
  const bx = b + (lattice(xi + 1, yi + 1, zi, seed) - b) * u;
  const cx = c + (lattice(xi + 1, yi, zi + 1, seed) - c) * u;
  const dx = d + (lattice(xi + 1, yi + 1, zi + 1, seed) - d) * u;
  const near = ax + (bx - ax) * v;
  const far = cx + (dx - cx) * v;
  return near + (far - near) * w;
}

/** Two octaves of noise in [0, 1). */
export function clouds(x: number, y: number, z: number, seed: number): number {
  return (noise(x, y, z, seed) * 2 + noise(x * 2.03, y * 2.03, z * 2.03, seed ^ 0x5bd1e995)) / 3;
}

/**
 * Scattered round dots, one at most in each lattice cell.
 *
 * @param density share of the cells that hold a dot
 * @param radius of the largest dots, in cells, at most 0.5
 * @returns 1 in the middle of a dot, 0 outside
 */
export function dots(x: number, y: number, z: number, seed: number, density: number, radius: number): number {
  const xi = Math.floor(x);
  const yi = Math.floor(y);
  const zi = Math.floor(z);
  const h = mix32(Math.imul(xi, 0x27d4eb2f) ^ Math.imul(yi, 0x165667b1) ^ Math.imul(zi, 0x9e3779b1) ^ seed);
  if ((h & 0xff) >= density * 256) return 0;
  const r = radius * (0.45 + 0.55 * (((h >>> 8) & 0xff) / 255));
  // The centre stays a radius away from the cell's walls, so that no dot is cut.
  const place = (bits: number): number => r + (1 - 2 * r) * (bits / 255);
  const dx = x - xi - place((h >>> 16) & 0xff);
  const dy = y - yi - place((h >>> 24) & 0xff);
  const dz = z - zi - place((h >>> 4) & 0xff);
  const d = (dx * dx + dy * dy + dz * dz) / (r * r);
  return d >= 1 ? 0 : 1 - d;
}
