/** One variety: a mesh, its textures and the light it is photographed in. */
import type { Calyx, Cluster, Color, Fruit, Shape, Skin, Stem } from "./catalogue.js";
import { clamp01, cosTurn, lerp, normalize, sinTurn, smoothstep, type Vec3 } from "./math.js";
import { type Mesh, MeshBuilder, type Surface, tube } from "./mesh.js";
import { clouds, dots, noise } from "./noise.js";
import { Random } from "./random.js";

/** Texels of width x height, each red, green, blue (linear light), gloss. Columns follow u, rows v. */
export interface Texture {
  readonly width: number;
  readonly height: number;
  readonly texels: Float32Array;
}

export interface Material {
  readonly texture: Texture;
  readonly polish: number;
  readonly twoSided: boolean;
}

export interface Light {
  /** Towards the lamp, in front of the fruit. */
  readonly direction: Vec3;
  readonly key: number;
  readonly ambient: number;
  /** Colour of the lamp, linear. */
  readonly tint: Vec3;
}

export interface Model {
  readonly mesh: Mesh;
  readonly materials: readonly Material[];
  readonly light: Light;
}

type Rgb = [number, number, number];

const CHANNELS = 4;

function parse(color: Color): Rgb {
  const value = Number.parseInt(color.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

function mixInto(target: Rgb, color: Rgb, amount: number): void {
  for (const i of [0, 1, 2] as const) target[i] = lerp(target[i], color[i], amount);
}

/** The colour of one individual: a little darker or lighter, warmer or cooler than its kind. */
function individual(color: Color, shift: Rgb): Rgb {
  const [r, g, b] = parse(color);
  return [clamp01(r * (1 + shift[0])), clamp01(g * (1 + shift[1])), clamp01(b * (1 + shift[2]))];
}

/** The body as a surface: v runs from the stem (0) to the other end (1). */
export function bodySurface(shape: Shape, seed: number): Surface {
  const { height, taper = 0, boxy = 0, neck, top, bottom, lobes, suture = 0, bend = 0, squash = 1, lumpy = 0 } = shape;
  const phase = noise(seed & 255, 0.5, 0.5, seed);
  return (u, v) => {
    const s = sinTurn(v / 2);
    const c = cosTurn(v / 2);
    const cu = cosTurn(u);
    const su = sinTurn(u);
    let r = s * (1 + taper * c) * (1 + boxy * 2 * s * c * c * (1 + s));
    let y = c * height;
    if (neck) {
      const rise = smoothstep(-0.25, 1, c);
      r *= lerp(1, neck.width, smoothstep(-0.15, 0.75, c)) * lerp(1, 1.25, smoothstep(0.6, 1, c));
      y += neck.rise * rise;
    }
    if (lobes) {
      const at = lobes.at === "top" ? (1 + c) / 2 : lobes.at === "bottom" ? (1 - c) / 2 : 1;
      const ripple = cosTurn(u * lobes.count + phase + 0.25 * noise(cu * 1.5 + 9, su * 1.5, 3, seed));
      r *= 1 + lobes.depth * ripple * at * (0.35 + 0.65 * s);
      if (lobes.at === "bottom") y += lobes.depth * ripple * Math.max(0, -c) * 1.2 * (1 - s);
    }
    if (suture !== 0) {
      const away = Math.min(u, 1 - u) / 0.035;
      r *= 1 - suture / (1 + away * away);
    }
    const end = c >= 0 ? top : bottom;
    if (end) {
      const q = 1 + (r / end.width) * (r / end.width);
      // Faded out at the equator, so that the two ends meet without a step.
      const dent = (end.depth / (q * q)) * smoothstep(0, 0.35, Math.abs(c));
      y -= c >= 0 ? dent : -dent;
    }
    if (lumpy > 0) {
      r *= 1 + lumpy * 2 * (noise(cu * s * 1.3 + 5, c * 1.3 + 5, su * s * 1.3 + 5, seed) - 0.5);
      y *= 1 + lumpy * (noise(cu * s + 11, c, su * s + 11, seed) - 0.5);
    }
    if (bend === 0) return [r * cu, y, r * su * squash];
    // Bent around a circle that moves both ends by about `bend`.
    const radius = (height * height) / (2 * bend);
    const turn = y / radius / 6.283185307179586;
    const out = radius - r * cu;
    return [radius - out * cosTurn(turn), out * sinTurn(turn), r * su * squash];
  };
}

/** Paints the skin of a body into a texture. */
function paintSkin(skin: Skin, surface: Surface, shift: Rgb, seed: number, width: number): Texture {
  const rows = width / 2;
  const texels = new Float32Array(width * rows * CHANNELS);
  const base = individual(skin.base, shift);
  const color = (value: Color | undefined): Rgb => (value ? individual(value, shift) : base);
  const blush = color(skin.blush?.color);
  const band = color(skin.bands?.color);
  const dot = color(skin.dots?.color);
  const cavity = color(skin.cavity?.color);
  const tip = color(skin.tip?.color);
  const net = color(skin.net?.color);
  const sunny = noise(0.3, 0.7, seed & 1023, seed);
  const pixel: Rgb = [0, 0, 0];
  for (let j = 0; j < rows; j++) {
    const v = (j + 0.5) / rows;
    for (let i = 0; i < width; i++) {
      const u = (i + 0.5) / width;
      const [x, y, z] = surface(u, v);
      const cu = cosTurn(u);
      const su = sinTurn(u);
      let gloss = skin.gloss;
      pixel[0] = base[0];
      pixel[1] = base[1];
      pixel[2] = base[2];
      if (skin.bands) {
        const { count, wobble, strength } = skin.bands;
        const jag = wobble * (noise(cu * 4 + 20, y * 5, su * 4 + 20, seed + 3) - 0.5);
        const wave = cosTurn(u * count + jag) + 0.5 * (noise(x * 7, y * 7, z * 7, seed + 4) - 0.5);
        mixInto(pixel, band, strength * smoothstep(-0.1, 0.45, wave));
      }
      if (skin.blush) {
        const { amount, at, soft, streaks = 0 } = skin.blush;
        const place = at === "side" ? 0.5 + 0.5 * cosTurn(u - sunny) * sinTurn(v / 2) : at === "top" ? 1 - v : v;
        const streak = streaks * (noise(cu * 9 + 30, y * 1.1, su * 9 + 30, seed + 5) - 0.5);
        const fine = streaks * 0.6 * (noise(cu * 26 + 30, y * 1.6, su * 26 + 30, seed + 6) - 0.5);
        const uneven = 0.5 * (clouds(x * 2 + 7, y * 2, z * 2, seed + 7) - 0.5);
        const edge = 1 - amount;
        mixInto(pixel, blush, smoothstep(edge - soft / 2, edge + soft / 2, place + streak + fine + uneven));
      }
      if (skin.mottle) {
        const m = 1 + skin.mottle * 2 * (clouds(x * 5 + 3, y * 5 + 3, z * 5 + 3, seed + 8) - 0.5);
        for (const k of [0, 1, 2] as const) pixel[k] *= m;
      }
      if (skin.net) {
        const { cells, strength } = skin.net;
        const a = Math.abs(noise(x * cells, y * cells, z * cells, seed + 9) - 0.5);
        const b = Math.abs(noise(x * cells + 40, y * cells, z * cells + 40, seed + 10) - 0.5);
        mixInto(pixel, net, strength * (1 - smoothstep(0.015, 0.075, Math.min(a, b))));
      }
      if (skin.dots) {
        const { cells, density, radius, strength } = skin.dots;
        const d = dots(x * cells + 50, y * cells + 50, z * cells + 50, seed + 11, density, radius);
        mixInto(pixel, dot, strength * Math.min(1, d * 2));
      }
      if (skin.cavity) {
        const ragged = 0.06 * (noise(cu * 5 + 60, v * 9, su * 5 + 60, seed + 12) - 0.5);
        mixInto(pixel, cavity, 0.9 * (1 - smoothstep(0.25, 1, (v + ragged) / skin.cavity.reach)));
      }
      if (skin.tip) mixInto(pixel, tip, 0.9 * (1 - smoothstep(0.3, 1, (1 - v) / skin.tip.reach)));
      if (skin.blemishes) {
        const d = dots(x * 2.6 + 70, y * 2.6 + 70, z * 2.6 + 70, seed + 13, skin.blemishes, 0.3);
        mixInto(pixel, [0.25, 0.16, 0.08], 0.7 * d);
      }
      if (skin.bloom) {
        const cloud = clouds(x * 2.3 + 80, y * 2.3 + 80, z * 2.3 + 80, seed + 14);
        const amount = skin.bloom * smoothstep(0.25, 0.75, cloud);
        mixInto(pixel, [0.62, 0.66, 0.76], amount * 0.75);
        gloss *= 1 - amount * 0.8;
      }
      const at = (j * width + i) * CHANNELS;
      // Squaring is close enough to sRGB's own curve, and its inverse is exact everywhere.
      texels[at] = clamp01(pixel[0]) * clamp01(pixel[0]);
      texels[at + 1] = clamp01(pixel[1]) * clamp01(pixel[1]);
      texels[at + 2] = clamp01(pixel[2]) * clamp01(pixel[2]);
      texels[at + 3] = gloss;
    }
  }
  return { width, height: rows, texels };
}

/** A texture of one colour with grain along v: stems, sepals, leaves. */
function paintGrain(color: Color, seed: number, gloss: number): Texture {
  const [r, g, b] = parse(color);
  const size = 32;
  const texels = new Float32Array(size * size * CHANNELS);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      const grain = 0.7 + 0.6 * noise(i * 0.5, j * 0.15, 1.5, seed);
      const at = (j * size + i) * CHANNELS;
      texels[at] = clamp01(r * grain) * clamp01(r * grain);
      texels[at + 1] = clamp01(g * grain) * clamp01(g * grain);
      texels[at + 2] = clamp01(b * grain) * clamp01(b * grain);
      texels[at + 3] = gloss;
    }
  }
  return { width: size, height: size, texels };
}

/** Where the surface's pole stands after dents and necks. */
function pole(surface: Surface, v: 0 | 1): Vec3 {
  return surface(0, v);
}

function addStem(builder: MeshBuilder, stem: Stem, from: Vec3, material: number, random: Random): void {
  const lean = stem.lean ?? 0.05;
  const turn = random.unit();
  const dx = cosTurn(turn) * lean;
  const dz = sinTurn(turn) * lean;
  const sink = 0.08;
  const path = (t: number): Vec3 => [
    from[0] + dx * t * t,
    from[1] - sink + (stem.length + sink) * t,
    from[2] + dz * t * t,
  ];
  // Wider where it grows out of the fruit and where it was cut from the tree.
  const radius = (t: number): number =>
    t > 0.985 ? 0.001 : stem.radius * (1 + 0.7 * (1 - smoothstep(0, 0.3, t)) + 0.45 * smoothstep(0.75, 0.97, t));
  builder.add(tube(path, radius), [10, 14], material);
}

function addCalyx(builder: MeshBuilder, calyx: Calyx, from: Vec3, material: number, random: Random): void {
  const way = calyx.bottom ? -1 : 1;
  for (let i = 0; i < calyx.count; i++) {
    const turn = (i + 0.3 * random.near()) / calyx.count;
    const c = cosTurn(turn);
    const s = sinTurn(turn);
    const length = calyx.length * (1 + 0.2 * random.near());
    const curl = calyx.curl * (1 + 0.6 * random.near());
    builder.add(
      (u, v) => {
        const out = length * v;
        const side = (u - 0.5) * 2 * calyx.width * (1 - v) * (0.45 + 1.6 * v * (1 - v) + 0.55 * (1 - v));
        const lift = 0.03 + curl * v * v * length * 2 + 0.25 * side * side;
        return [from[0] + c * out - s * side, from[1] + way * lift, from[2] + s * out + c * side];
      },
      [3, 8],
      material,
      { closed: false },
    );
  }
}

function addLeaf(builder: MeshBuilder, length: number, from: Vec3, material: number, random: Random): void {
  const turn = random.unit();
  const c = cosTurn(turn);
  const s = sinTurn(turn);
  builder.add(
    (u, v) => {
      const side = (u - 0.5) * 1.5 * length * v * (1 - v) * (1.3 - 0.6 * v) * 1.3;
      const out = length * v;
      const lift = 0.12 + 0.35 * v * (1 - 0.9 * v) + 0.3 * Math.abs(side);
      return [from[0] + c * out - s * side, from[1] + lift, from[2] + s * out + c * side];
    },
    [6, 12],
    material,
    { closed: false },
  );
}

/** Berries spread evenly over an egg (a golden-angle spiral), in two layers so that no gap shows. */
function addCluster(builder: MeshBuilder, cluster: Cluster, berry: Surface, material: number, random: Random): void {
  const { berries, berry: radius, height, taper } = cluster;
  // What shows between the berries is the dark inside of the bunch, not the table behind it.
  builder.add(
    (u, v) => {
      const c = cosTurn(v / 2);
      const s = sinTurn(v / 2) * lerp(taper, 1, (c + 1) / 2) * 0.66;
      return [s * cosTurn(u), c * height * 0.95, s * sinTurn(u)];
    },
    [16, 10],
    material,
    { occlusion: () => 0.2 },
  );
  for (let i = 0; i < berries; i++) {
    const t = (i + 0.5) / berries;
    const c = 1 - 2 * t;
    const s = Math.sqrt(1 - c * c);
    const turn = i * 0.3819660112501051;
    const width = lerp(taper, 1, (c + 1) / 2) * (0.72 + 0.05 * random.near());
    const centre: Vec3 = [
      cosTurn(turn) * s * width,
      c * height * (1 + 0.04 * random.near()),
      sinTurn(turn) * s * width,
    ];
    const size = radius * (1 + 0.14 * random.near());
    // Each berry's own axis points outwards, and each shows another side of the common texture.
    const out = normalize([centre[0], centre[1] * 0.5, centre[2]]);
    const helper: Vec3 = Math.abs(out[1]) < 0.9 ? [0, 1, 0] : [1, 0, 0];
    const side = normalize([
      helper[1] * out[2] - helper[2] * out[1],
      helper[2] * out[0] - helper[0] * out[2],
      helper[0] * out[1] - helper[1] * out[0],
    ]);
    const up: Vec3 = [
      out[1] * side[2] - out[2] * side[1],
      out[2] * side[0] - out[0] * side[2],
      out[0] * side[1] - out[1] * side[0],
    ];
    const spin = random.unit();
    builder.add(
      (u, v) => {
        const [x, y, z] = berry((u + spin) % 1, v);
        return [
          centre[0] + size * (side[0] * x - out[0] * y + up[0] * z),
          centre[1] + size * (side[1] * x - out[1] * y + up[1] * z),
          centre[2] + size * (side[2] * x - out[2] * y + up[2] * z),
        ];
      },
      [16, 10],
      material,
      {
        // Darker towards the middle of the bunch, where neighbours take the light.
        occlusion: (p) => {
          const ahead = (p[0] - centre[0]) * out[0] + (p[1] - centre[1]) * out[1] + (p[2] - centre[2]) * out[2];
          return 0.25 + 0.75 * smoothstep(-0.35 * size, 0.75 * size, ahead);
        },
      },
    );
  }
}

/** Colours that fruit ripens to; a further variety of a kind leans towards one of them. */
const RIPENESS = ["#5c8a2e", "#e6c52e", "#8e1430", "#d86a1c", "#3a2038", "#e9d9a0", "#c0503c"] as const;

function lean(color: Color, towards: Color, amount: number): Color {
  const mixed = parse(color);
  mixInto(mixed, parse(towards), amount);
  const hex = mixed.map((part) =>
    Math.floor(part * 255 + 0.5)
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${hex.join("")}`;
}

/**
 * A further variety of a kind: another colour, another build, more or less of a second colour.
 *
 * @param ordinal 0 for the kind as the catalogue has it
 */
export function variant(fruit: Fruit, ordinal: number): Fruit {
  if (ordinal === 0) return fruit;
  const random = new Random("variant", fruit.name);
  const first = random.index(RIPENESS.length);
  const colour = RIPENESS[(first + ordinal) % RIPENESS.length] as Color;
  const { skin, shape, cluster } = fruit;
  // Each round through the colours leans further; tall and flat builds take turns.
  const round = Math.floor(ordinal / RIPENESS.length);
  const amount = 0.62 - 0.12 * (round % 3);
  const build = (ordinal % 2 === 0 ? 1 : -1) * (0.1 + 0.05 * (ordinal % 3));
  const blush = skin.blush && {
    ...skin.blush,
    color: lean(skin.blush.color, colour, amount * 0.35),
    amount: clamp01(skin.blush.amount * (ordinal % 2 === 0 ? 1.35 : 0.6)),
  };
  return {
    ...fruit,
    shape: { ...shape, height: shape.height * (1 + build) },
    skin: { ...skin, base: lean(skin.base, colour, amount), ...(blush ? { blush } : {}) },
    ...(cluster ? { cluster: { ...cluster, height: cluster.height * (1 + build) } } : {}),
  };
}

/** Varies a shape within what the kind allows. */
function varyShape(shape: Shape, random: Random): Shape {
  const lobes = shape.lobes && { ...shape.lobes, depth: shape.lobes.depth * (1 + 0.4 * random.near()) };
  return {
    ...shape,
    height: shape.height * (1 + 0.1 * random.near()),
    taper: (shape.taper ?? 0) + 0.07 * random.near(),
    bend: (shape.bend ?? 0) * (1 + 0.3 * random.near()),
    lumpy: (shape.lumpy ?? 0.03) * (1 + 0.5 * random.near()),
    ...(lobes ? { lobes } : {}),
  };
}

/**
 * Builds one individual of a fruit.
 *
 * @param detail texels around the body
 */
export function buildModel(fruit: Fruit, random: Random, detail: number): Model {
  const seed = random.bits();
  const light = random.near() * 0.1;
  const shift: Rgb = [light + 0.07 * random.near(), light + 0.09 * random.near(), light + 0.12 * random.near()];
  const shape = varyShape(fruit.shape, random);
  const surface = bodySurface(shape, seed);
  // Patterns follow the smooth body: its small dents would cost much to follow and show nothing.
  const { lobes: _lobes, lumpy: _lumpy, suture: _suture, bend: _bend, ...smooth } = shape;
  const skinTexture = paintSkin(fruit.skin, bodySurface(smooth, seed), shift, seed, detail);
  const materials: Material[] = [{ texture: skinTexture, polish: fruit.skin.polish, twoSided: false }];
  const part = (color: Color, gloss: number, polish: number, twoSided: boolean): number => {
    materials.push({ texture: paintGrain(color, seed + materials.length, gloss), polish, twoSided });
    return materials.length - 1;
  };

  const builder = new MeshBuilder();
  let top = pole(surface, 0);
  let end = pole(surface, 1);
  if (fruit.cluster) {
    addCluster(builder, fruit.cluster, surface, 0, random);
    top = [0, fruit.cluster.height, 0];
    end = [0, -fruit.cluster.height, 0];
  } else {
    const rows = Math.round(40 * Math.max(1, Math.min(2, shape.height)));
    builder.add(surface, [72, rows], 0, {
      // Hollows around stem and end see less of the sky.
      occlusion: (p) => {
        const r = Math.sqrt(p[0] * p[0] + p[2] * p[2]);
        const dent = p[1] > 0 ? (shape.top?.depth ?? 0) : (shape.bottom?.depth ?? 0);
        return 1 - clamp01(dent * 2.2) * (1 - smoothstep(0.03, 0.5, r));
      },
    });
  }
  if (fruit.stem) addStem(builder, fruit.stem, top, part(fruit.stem.color, 0.1, 8, false), random);
  if (fruit.calyx) {
    addCalyx(builder, fruit.calyx, fruit.calyx.bottom ? end : top, part(fruit.calyx.color, 0.08, 8, true), random);
  }
  if (fruit.leaf) addLeaf(builder, fruit.leaf.length, top, part(fruit.leaf.color, 0.3, 20, true), random);

  return {
    mesh: builder.build(),
    materials,
    light: {
      direction: normalize([random.range(-0.55, 0.4), random.range(0.35, 0.8), random.range(0.6, 0.95)]),
      key: random.range(0.85, 1.1),
      ambient: random.range(0.2, 0.34),
      tint: [1 + 0.04 * random.near(), 1, 1 + 0.06 * random.near()],
    },
  };
}
