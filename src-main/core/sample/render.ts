/** Draws a model as a photograph on white: rotated, lit, anti-aliased. */
import { cross, type Mat3, normalize, type Vec3 } from "./math.js";
import type { Material, Model } from "./model.js";
import { mix32 } from "./random.js";

export interface View {
  /** From the fruit's axes to the camera's: x right, y up, z towards the camera. */
  readonly rotation: Mat3;
  /** Brightness of this exposure, about 1. */
  readonly exposure: number;
  /** Seed of the sensor's noise. */
  readonly grain: number;
}

/** Samples of each pixel along x and y. */
const SAMPLES = 2;
const EMPTY = -1e9;

/** Draws square images of one size; holds the buffers that they share. */
export class Renderer {
  readonly #size: number;
  readonly #side: number;
  readonly #depth: Float32Array;
  readonly #triangle: Int32Array;
  readonly #weightA: Float32Array;
  readonly #weightB: Float32Array;
  readonly #linear: Float32Array;
  #points = new Float64Array(0);
  #normals = new Float64Array(0);

  /** @param size pixels along each side */
  constructor(size: number) {
    this.#size = size;
    this.#side = size * SAMPLES;
    const samples = this.#side * this.#side;
    this.#depth = new Float32Array(samples);
    this.#triangle = new Int32Array(samples);
    this.#weightA = new Float32Array(samples);
    this.#weightB = new Float32Array(samples);
    this.#linear = new Float32Array(size * size * 3);
  }

  /** @returns size x size x 3 bytes, RGB, row by row; a new array */
  render(model: Model, view: View): Uint8Array {
    this.#project(model, view.rotation);
    this.#rasterize(model);
    this.#shade(model, view.exposure);
    return this.#develop(view.grain);
  }

  /** Rotates the model and fits it into the image, as the photographs of Fruits-360 are cropped to their fruit. */
  #project(model: Model, m: Mat3): void {
    const { positions, normals } = model.mesh;
    if (this.#points.length < positions.length) {
      this.#points = new Float64Array(positions.length);
      this.#normals = new Float64Array(positions.length);
    }
    const points = this.#points;
    const turned = this.#normals;
    let minX = Infinity;
    let minY = Infinity;
    let maxX = -Infinity;
    let maxY = -Infinity;
    for (let i = 0; i < positions.length; i += 3) {
      const px = positions[i] as number;
      const py = positions[i + 1] as number;
      const pz = positions[i + 2] as number;
      const x = m[0] * px + m[1] * py + m[2] * pz;
      const y = m[3] * px + m[4] * py + m[5] * pz;
      points[i] = x;
      points[i + 1] = y;
      points[i + 2] = m[6] * px + m[7] * py + m[8] * pz;
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
      const nx = normals[i] as number;
      const ny = normals[i + 1] as number;
      const nz = normals[i + 2] as number;
      turned[i] = m[0] * nx + m[1] * ny + m[2] * nz;
      turned[i + 1] = m[3] * nx + m[4] * ny + m[5] * nz;
      turned[i + 2] = m[6] * nx + m[7] * ny + m[8] * nz;
    }
    const extent = Math.max(maxX - minX, maxY - minY);
    const scale = (this.#side * 0.95) / extent;
    const centreX = (minX + maxX) / 2;
    const centreY = (minY + maxY) / 2;
    const middle = this.#side / 2;
    for (let i = 0; i < positions.length; i += 3) {
      points[i] = middle + ((points[i] as number) - centreX) * scale;
      points[i + 1] = middle - ((points[i + 1] as number) - centreY) * scale;
      points[i + 2] = (points[i + 2] as number) * scale;
    }
  }

  /** Finds the nearest triangle behind each sample and where in it the sample lies. */
  #rasterize(model: Model): void {
    const { indices, materials } = model.mesh;
    const side = this.#side;
    const points = this.#points;
    const depth = this.#depth.fill(EMPTY);
    const owner = this.#triangle.fill(-1);
    for (let t = 0; t < indices.length; t += 3) {
      const i0 = indices[t] as number;
      const a = i0 * 3;
      const b = (indices[t + 1] as number) * 3;
      const c = (indices[t + 2] as number) * 3;
      const ax = points[a] as number;
      const ay = points[a + 1] as number;
      const bx = points[b] as number;
      const by = points[b + 1] as number;
      const cx = points[c] as number;
      const cy = points[c + 1] as number;
      const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
      // Facing away: hidden by what faces us, except for sheets, which have no inside.
      if (area === 0 || (area > 0 && !model.materials[materials[i0] as number]?.twoSided)) continue;
      const x0 = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
      const x1 = Math.min(side - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
      const y0 = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
      const y1 = Math.min(side - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
      const inverse = 1 / area;
      const az = points[a + 2] as number;
      const bz = points[b + 2] as number;
      const cz = points[c + 2] as number;
      for (let y = y0; y <= y1; y++) {
        const py = y + 0.5;
        for (let x = x0; x <= x1; x++) {
          const px = x + 0.5;
          const wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse;
          const wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse;
          const wc = 1 - wa - wb;
          if (wa < 0 || wb < 0 || wc < 0) continue;
          const z = wa * az + wb * bz + wc * cz;
          const at = y * side + x;
          if (z <= (depth[at] as number)) continue;
          depth[at] = z;
          owner[at] = t;
          this.#weightA[at] = wa;
          this.#weightB[at] = wb;
        }
      }
    }
  }

  /**
   * Lights the samples, in linear light; the background is white. A pixel that lies within one material is lit once,
   * one on an edge at each of its samples.
   */
  #shade(model: Model, exposure: number): void {
    const { materials } = model.mesh;
    const { indices } = model.mesh;
    const size = this.#size;
    const side = this.#side;
    const owner = this.#triangle;
    const linear = this.#linear;
    const light = new Lighting(model, this.#normals, exposure);
    const share = 1 / (SAMPLES * SAMPLES);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const first = y * SAMPLES * side + x * SAMPLES;
        let covered = 0;
        let material = -1;
        let mixed = false;
        for (let k = 0; k < SAMPLES * SAMPLES; k++) {
          const t = owner[first + (k >> 1) * side + (k & 1)] as number;
          if (t < 0) continue;
          covered++;
          const own = materials[indices[t] as number] as number;
          if (material >= 0 && own !== material) mixed = true;
          material = own;
        }
        const to = (y * size + x) * 3;
        const background = (SAMPLES * SAMPLES - covered) * share;
        linear[to] = background;
        linear[to + 1] = background;
        linear[to + 2] = background;
        const whole = covered === SAMPLES * SAMPLES && !mixed;
        for (let k = 0; k < (whole ? 1 : SAMPLES * SAMPLES); k++) {
          const at = first + (k >> 1) * side + (k & 1);
          const t = owner[at] as number;
          if (t < 0) continue;
          light.sample(t, this.#weightA[at] as number, this.#weightB[at] as number);
          const weight = whole ? 1 : share;
          linear[to] = (linear[to] as number) + weight * light.red;
          linear[to + 1] = (linear[to + 1] as number) + weight * light.green;
          linear[to + 2] = (linear[to + 2] as number) + weight * light.blue;
        }
      }
    }
  }

  /** Linear light to bytes, with the sensor's noise on the fruit. */
  #develop(grain: number): Uint8Array {
    const bytes = new Uint8Array(this.#linear.length);
    for (let i = 0; i < bytes.length; i += 3) {
      const speck = ((mix32(grain + i) & 0xff) / 255 - 0.5) * 3;
      for (let k = 0; k < 3; k++) {
        const value = Math.sqrt(this.#linear[i + k] as number) * 255;
        bytes[i + k] = value >= 254.5 ? 255 : Math.max(0, Math.min(255, Math.floor(value + speck + 0.5)));
      }
    }
    return bytes;
  }
}

/** What one photograph's light does to a point of the fruit. */
class Lighting {
  red = 0;
  green = 0;
  blue = 0;

  readonly #model: Model;
  readonly #normals: Float64Array;
  readonly #key: number;
  readonly #ambient: number;
  readonly #exposure: number;
  /** Half way between the lamp and the camera. */
  readonly #half: Vec3;
  /** Axes of the lamp, a rectangle, as the fruit sees it. */
  readonly #across: Vec3;
  readonly #upright: Vec3;

  /** @param normals of the mesh, rotated */
  constructor(model: Model, normals: Float64Array, exposure: number) {
    const { direction, key, ambient } = model.light;
    this.#model = model;
    this.#normals = normals;
    this.#key = key * exposure;
    this.#ambient = ambient * exposure;
    this.#exposure = exposure;
    this.#half = normalize([direction[0], direction[1], direction[2] + 1]);
    this.#across = normalize(cross([0, 1, 0], direction));
    this.#upright = cross(direction, this.#across);
  }

  /** Sets red, green and blue to the linear light, 0 to 1, of a point given by its triangle and two weights. */
  sample(triangle: number, wa: number, wb: number): void {
    const { mesh, materials, light } = this.#model;
    const wc = 1 - wa - wb;
    const a = mesh.indices[triangle] as number;
    const b = mesh.indices[triangle + 1] as number;
    const c = mesh.indices[triangle + 2] as number;
    const n = this.#normals;
    let nx = wa * (n[a * 3] as number) + wb * (n[b * 3] as number) + wc * (n[c * 3] as number);
    let ny = wa * (n[a * 3 + 1] as number) + wb * (n[b * 3 + 1] as number) + wc * (n[c * 3 + 1] as number);
    let nz = wa * (n[a * 3 + 2] as number) + wb * (n[b * 3 + 2] as number) + wc * (n[c * 3 + 2] as number);
    const length = Math.sqrt(nx * nx + ny * ny + nz * nz) * (nz < 0 ? -1 : 1) || 1;
    nx /= length;
    ny /= length;
    nz /= length;

    const { texture, polish } = materials[mesh.materials[a] as number] as Material;
    const uv = mesh.uvs;
    const u = wa * (uv[a * 2] as number) + wb * (uv[b * 2] as number) + wc * (uv[c * 2] as number);
    const v = wa * (uv[a * 2 + 1] as number) + wb * (uv[b * 2 + 1] as number) + wc * (uv[c * 2 + 1] as number);
    const column = Math.max(0, Math.min(texture.width - 1, Math.floor(u * texture.width)));
    const row = Math.max(0, Math.min(texture.height - 1, Math.floor(v * texture.height)));
    const texel = (row * texture.width + column) * 4;
    const o = mesh.occlusion;
    const open = wa * (o[a] as number) + wb * (o[b] as number) + wc * (o[c] as number);

    const L = light.direction;
    const facing = nx * L[0] + ny * L[1] + nz * L[2];
    // Flesh scatters light a little around the edge of the shadow.
    const wrapped = facing > -0.2 ? (facing + 0.2) / 1.2 : 0;
    const lit = 0.55 * wrapped * wrapped + 0.45 * Math.max(0, facing);
    const sky = this.#ambient * (0.62 + 0.38 * ny);
    const received = (sky + this.#key * lit + 0.1 * this.#exposure * nz) * (0.35 + 0.65 * open) * open;
    // The white table and walls around, seen at a glancing angle.
    const glance = (1 - nz) * (1 - nz) * (1 - nz);
    const added = 0.03 * glance + this.#shine(nx, ny, nz, texture.texels[texel + 3] as number, polish, glance) * open;
    this.red = Math.min(1, ((texture.texels[texel] as number) * received + added) * light.tint[0]);
    this.green = Math.min(1, ((texture.texels[texel + 1] as number) * received + added) * light.tint[1]);
    this.blue = Math.min(1, ((texture.texels[texel + 2] as number) * received + added) * light.tint[2]);
  }

  /** Reflections: a soft one of the lamp, on polished skin its rectangle too, and the bright room at the rim. */
  #shine(nx: number, ny: number, nz: number, gloss: number, polish: number, glance: number): number {
    if (gloss < 0.01) return 0;
    const L = this.#model.light.direction;
    const nh = nx * this.#half[0] + ny * this.#half[1] + nz * this.#half[2];
    let shine = nh > 0 ? gloss * 0.55 * power(nh, polish * 2) * this.#key : 0;
    const rx = 2 * nz * nx;
    const ry = 2 * nz * ny;
    const rz = 2 * nz * nz - 1;
    const ahead = rx * L[0] + ry * L[1] + rz * L[2];
    if (ahead > 0.5) {
      const a = Math.abs(rx * this.#across[0] + ry * this.#across[1] + rz * this.#across[2]) / ahead;
      const b = Math.abs(rx * this.#upright[0] + ry * this.#upright[1] + rz * this.#upright[2]) / ahead;
      const soft = 12 / polish + 0.03;
      shine += gloss * gloss * 0.75 * this.#key * ramp(0.2 + soft - a, soft * 2) * ramp(0.34 + soft - b, soft * 2);
    }
    return shine + gloss * 0.22 * glance * this.#exposure;
  }
}

/** base^exponent for a whole exponent of at least 1, by squaring: the same bits everywhere. */
function power(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let e = Math.floor(exponent); e > 0; e >>= 1) {
    if (e & 1) result *= square;
    square *= square;
  }
  return result;
}

/** 0 for x <= 0, 1 for x >= width, smooth between. */
function ramp(x: number, width: number): number {
  const t = x <= 0 ? 0 : x >= width ? 1 : x / width;
  return t * t * (3 - 2 * t);
}
