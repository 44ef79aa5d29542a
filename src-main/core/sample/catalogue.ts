/** The fruit that can be drawn: shapes and skins. Lengths are in radii of the fruit, colours are sRGB in [0, 1]. */

/** `#rrggbb`. */
export type Color = `#${string}`;

/** The body: a surface of revolution about the stem, disturbed. */
export interface Shape {
  /** Half of the height. */
  readonly height: number;
  /** Positive: wider near the stem. */
  readonly taper?: number;
  /** Positive: fuller shoulders than an ellipse. */
  readonly boxy?: number;
  /** A narrow part towards the stem: its width and how far it rises above the body. */
  readonly neck?: { readonly width: number; readonly rise: number };
  /** Hollow around the stem; a negative depth is a nipple. */
  readonly top?: { readonly depth: number; readonly width: number };
  /** The same at the other end. */
  readonly bottom?: { readonly depth: number; readonly width: number };
  /** Ribs along the meridians, deepest at one end or all along. */
  readonly lobes?: { readonly count: number; readonly depth: number; readonly at: "top" | "bottom" | "all" };
  /** Depth of the furrow of stone fruit. */
  readonly suture?: number;
  /** How far the ends lean to one side. */
  readonly bend?: number;
  /** Depth against width. */
  readonly squash?: number;
  /** Irregularity. */
  readonly lumpy?: number;
}

export interface Skin {
  readonly base: Color;
  /** A second colour over part of the fruit. */
  readonly blush?: {
    readonly color: Color;
    /** Share of the surface, 0 to 1. */
    readonly amount: number;
    readonly at: "side" | "top" | "bottom";
    /** Width of its border. */
    readonly soft: number;
    /** How much it breaks up into streaks from stem to bottom. */
    readonly streaks?: number;
  };
  /** Bands from stem to bottom. */
  readonly bands?: {
    readonly color: Color;
    readonly count: number;
    readonly wobble: number;
    readonly strength: number;
  };
  /** Lenticels, seeds, pits, freckles: `cells` along a radius. */
  readonly dots?: {
    readonly color: Color;
    readonly cells: number;
    readonly density: number;
    readonly radius: number;
    readonly strength: number;
  };
  /** Colour around the stem and how far it reaches. */
  readonly cavity?: { readonly color: Color; readonly reach: number };
  /** Colour of the other end and how far it reaches. */
  readonly tip?: { readonly color: Color; readonly reach: number };
  /** Whitish wax in clouds. */
  readonly bloom?: number;
  /** Raised net of melons. */
  readonly net?: { readonly color: Color; readonly cells: number; readonly strength: number };
  /** Uneven lightness. */
  readonly mottle?: number;
  /** Dark marks. */
  readonly blemishes?: number;
  /** Strength of reflections, 0 to 1. */
  readonly gloss: number;
  /** Sharpness of reflections: 4 matt to 128 polished. */
  readonly polish: number;
}

export interface Stem {
  readonly length: number;
  readonly radius: number;
  readonly color: Color;
  readonly lean?: number;
}

/** Sepals around the stem. */
export interface Calyx {
  readonly color: Color;
  readonly count: number;
  readonly length: number;
  readonly width: number;
  /** Positive: curling up. */
  readonly curl: number;
  /** At the bottom (pomegranate) instead of the stem. */
  readonly bottom?: boolean;
}

export interface Leaf {
  readonly color: Color;
  readonly length: number;
}

/** Many berries in one fruit. */
export interface Cluster {
  readonly berries: number;
  /** Berry radius. */
  readonly berry: number;
  /** Half-height of the whole. */
  readonly height: number;
  /** Width of the lower end against the upper. */
  readonly taper: number;
}

export interface Fruit {
  readonly name: string;
  readonly shape: Shape;
  readonly skin: Skin;
  readonly stem?: Stem;
  readonly calyx?: Calyx;
  readonly leaf?: Leaf;
  readonly cluster?: Cluster;
}

const BROWN = "#5b4027";
const GREEN_STEM = "#5f7a2f";

const apple: Shape = {
  height: 0.9,
  taper: 0.1,
  boxy: 0.1,
  top: { depth: 0.3, width: 0.28 },
  bottom: { depth: 0.2, width: 0.3 },
  lobes: { count: 5, depth: 0.035, at: "bottom" },
  lumpy: 0.06,
};
const appleStem: Stem = { length: 0.42, radius: 0.035, color: BROWN, lean: 0.12 };
const tomato: Shape = {
  height: 0.84,
  boxy: 0.08,
  top: { depth: 0.16, width: 0.3 },
  bottom: { depth: 0.03, width: 0.3 },
  lumpy: 0.05,
};
const tomatoCalyx: Calyx = { color: "#4d6b2a", count: 5, length: 0.5, width: 0.11, curl: 0.22 };
const cherry: Shape = {
  height: 0.94,
  taper: 0.08,
  top: { depth: 0.2, width: 0.24 },
  bottom: { depth: 0.03, width: 0.2 },
  suture: 0.03,
  lumpy: 0.03,
};
const cherryStem: Stem = { length: 0.55, radius: 0.025, color: "#6f7d33", lean: 0.2 };
const citrus: Shape = {
  height: 0.94,
  top: { depth: 0.05, width: 0.16 },
  bottom: { depth: 0.03, width: 0.14 },
  lumpy: 0.04,
};
const pear: Shape = {
  height: 0.86,
  taper: -0.06,
  neck: { width: 0.5, rise: 0.62 },
  top: { depth: 0.05, width: 0.12 },
  bottom: { depth: 0.12, width: 0.25 },
  lumpy: 0.08,
};
const pearStem: Stem = { length: 0.4, radius: 0.04, color: BROWN, lean: 0.2 };
const stone: Shape = { height: 0.95, top: { depth: 0.17, width: 0.24 }, suture: 0.07, lumpy: 0.05 };
const pepper: Shape = {
  height: 1.12,
  taper: 0.16,
  boxy: 0.42,
  top: { depth: 0.22, width: 0.34 },
  bottom: { depth: 0.16, width: 0.25 },
  lobes: { count: 4, depth: 0.085, at: "all" },
  lumpy: 0.09,
};
const pepperStem: Stem = { length: 0.5, radius: 0.085, color: "#4f7a32", lean: 0.15 };
const banana: Shape = {
  height: 3.7,
  boxy: 0.3,
  bend: 1.9,
  lobes: { count: 5, depth: 0.04, at: "all" },
  lumpy: 0.02,
};
const berryShape: Shape = { height: 1.05 };
const mango: Shape = { height: 1.22, taper: 0.1, bend: 0.12, squash: 0.86, lumpy: 0.08 };

/** In the order in which labels are drawn: neighbours differ, and the first two dozen are the best known. */
export const FRUITS: readonly Fruit[] = [
  {
    name: "Apple Braeburn",
    shape: apple,
    skin: {
      base: "#d9bf58",
      blush: { color: "#a81d1c", amount: 0.66, at: "side", soft: 0.5, streaks: 0.75 },
      dots: { color: "#e8cf8a", cells: 15, density: 0.4, radius: 0.16, strength: 0.5 },
      cavity: { color: "#8d8a35", reach: 0.22 },
      gloss: 0.4,
      polish: 26,
    },
    stem: appleStem,
  },
  {
    name: "Banana",
    shape: banana,
    skin: {
      base: "#e9c52f",
      cavity: { color: "#8c9a3a", reach: 0.1 },
      tip: { color: "#4a3a1e", reach: 0.03 },
      dots: { color: "#6a4a1c", cells: 4, density: 0.1, radius: 0.14, strength: 0.75 },
      mottle: 0.08,
      gloss: 0.16,
      polish: 10,
    },
    stem: { length: 0.9, radius: 0.2, color: "#a9a045", lean: 0.3 },
  },
  {
    name: "Orange",
    shape: citrus,
    skin: {
      base: "#ee8416",
      dots: { color: "#b95a08", cells: 26, density: 0.75, radius: 0.34, strength: 0.35 },
      cavity: { color: "#8f8a2c", reach: 0.07 },
      mottle: 0.1,
      gloss: 0.34,
      polish: 18,
    },
    stem: { length: 0.02, radius: 0.07, color: "#6d6b2b" },
  },
  {
    name: "Tomato Red",
    shape: tomato,
    skin: { base: "#cf1f12", cavity: { color: "#c9681c", reach: 0.25 }, mottle: 0.05, gloss: 0.75, polish: 60 },
    calyx: tomatoCalyx,
    stem: { length: 0.22, radius: 0.05, color: GREEN_STEM },
  },
  {
    name: "Pear Williams",
    shape: pear,
    skin: {
      base: "#c7b740",
      blush: { color: "#b2762f", amount: 0.3, at: "side", soft: 0.8 },
      dots: { color: "#7a6a2c", cells: 17, density: 0.5, radius: 0.14, strength: 0.5 },
      cavity: { color: "#8f7434", reach: 0.08 },
      mottle: 0.12,
      gloss: 0.22,
      polish: 14,
    },
    stem: pearStem,
  },
  {
    name: "Plum",
    shape: { ...stone, height: 1.12, suture: 0.04 },
    skin: {
      base: "#3d1d3f",
      blush: { color: "#6a2440", amount: 0.4, at: "side", soft: 0.8 },
      bloom: 0.4,
      gloss: 0.35,
      polish: 24,
    },
    stem: { length: 0.1, radius: 0.03, color: BROWN },
  },
  {
    name: "Lemon",
    shape: { height: 1.18, top: { depth: -0.1, width: 0.2 }, bottom: { depth: -0.24, width: 0.22 }, lumpy: 0.07 },
    skin: {
      base: "#efcf25",
      dots: { color: "#b58f10", cells: 22, density: 0.7, radius: 0.32, strength: 0.35 },
      tip: { color: "#a9a22f", reach: 0.06 },
      mottle: 0.08,
      gloss: 0.3,
      polish: 18,
    },
  },
  {
    name: "Grape Blue",
    shape: berryShape,
    skin: { base: "#2b1b44", bloom: 0.55, gloss: 0.35, polish: 22 },
    cluster: { berries: 46, berry: 0.27, height: 1.15, taper: 0.4 },
    stem: { length: 0.5, radius: 0.045, color: "#6b6a35", lean: 0.15 },
  },
  {
    name: "Kiwi",
    shape: { height: 1.24, boxy: 0.12, bottom: { depth: -0.05, width: 0.16 }, lumpy: 0.06 },
    skin: {
      base: "#77592f",
      dots: { color: "#4d3718", cells: 24, density: 0.8, radius: 0.42, strength: 0.6 },
      mottle: 0.3,
      tip: { color: "#3f2d16", reach: 0.05 },
      gloss: 0.06,
      polish: 5,
    },
  },
  {
    name: "Cherry Red",
    shape: cherry,
    skin: { base: "#9b1020", mottle: 0.08, gloss: 0.95, polish: 90 },
    stem: cherryStem,
  },
  {
    name: "Peach",
    shape: { ...stone, bottom: { depth: -0.05, width: 0.14 } },
    skin: {
      base: "#e2ab57",
      blush: { color: "#a92a2c", amount: 0.5, at: "side", soft: 0.8, streaks: 0.08 },
      mottle: 0.16,
      gloss: 0.06,
      polish: 4,
    },
  },
  {
    name: "Strawberry",
    shape: { height: 1.12, taper: 0.34, boxy: 0.12, lumpy: 0.1 },
    skin: {
      base: "#c81a1a",
      dots: { color: "#ecc966", cells: 6.5, density: 0.9, radius: 0.27, strength: 1 },
      cavity: { color: "#e7b6a0", reach: 0.12 },
      gloss: 0.6,
      polish: 34,
    },
    calyx: { color: "#4f8a34", count: 9, length: 0.62, width: 0.14, curl: 0.06 },
    stem: { length: 0.3, radius: 0.035, color: "#6b9440", lean: 0.2 },
  },
  {
    name: "Apple Granny Smith",
    shape: { ...apple, height: 0.92 },
    skin: {
      base: "#8fb034",
      dots: { color: "#d7e3a6", cells: 14, density: 0.5, radius: 0.16, strength: 0.7 },
      cavity: { color: "#6f7d2a", reach: 0.16 },
      mottle: 0.08,
      gloss: 0.42,
      polish: 30,
    },
    stem: appleStem,
  },
  {
    name: "Watermelon",
    shape: { height: 1.08, lumpy: 0.04 },
    skin: {
      base: "#7fa34a",
      bands: { color: "#1f4a22", count: 11, wobble: 0.9, strength: 0.95 },
      mottle: 0.16,
      gloss: 0.3,
      polish: 20,
    },
    stem: { length: 0.16, radius: 0.04, color: "#8a7a3f" },
  },
  {
    name: "Pepper Yellow",
    shape: pepper,
    skin: { base: "#efb50f", mottle: 0.05, gloss: 0.85, polish: 60 },
    stem: pepperStem,
  },
  {
    name: "Raspberry",
    shape: berryShape,
    skin: { base: "#b3203a", bloom: 0.18, gloss: 0.4, polish: 18 },
    cluster: { berries: 74, berry: 0.2, height: 0.78, taper: 0.55 },
    calyx: { color: "#6b9040", count: 5, length: 0.4, width: 0.12, curl: -0.1 },
  },
  {
    name: "Avocado",
    shape: { ...pear, height: 0.96, neck: { width: 0.58, rise: 0.42 }, bottom: { depth: 0, width: 0.2 } },
    skin: {
      base: "#34471f",
      dots: { color: "#6d7f35", cells: 20, density: 0.7, radius: 0.3, strength: 0.6 },
      mottle: 0.25,
      gloss: 0.3,
      polish: 16,
    },
    stem: { length: 0.05, radius: 0.07, color: "#7a6a35" },
  },
  {
    name: "Mango Red",
    shape: mango,
    skin: {
      base: "#d49a2a",
      blush: { color: "#a5242c", amount: 0.48, at: "side", soft: 0.9 },
      cavity: { color: "#5f7a2c", reach: 0.2 },
      dots: { color: "#f0d48a", cells: 16, density: 0.4, radius: 0.14, strength: 0.5 },
      gloss: 0.34,
      polish: 22,
    },
    stem: { length: 0.07, radius: 0.05, color: "#6a5a2c" },
  },
  {
    name: "Pomegranate",
    shape: {
      height: 0.93,
      boxy: 0.14,
      lobes: { count: 6, depth: 0.025, at: "all" },
      bottom: { depth: -0.12, width: 0.25 },
      lumpy: 0.05,
    },
    skin: {
      base: "#c85a4a",
      blush: { color: "#8f1730", amount: 0.55, at: "side", soft: 0.9, streaks: 0.2 },
      mottle: 0.25,
      blemishes: 0.25,
      gloss: 0.3,
      polish: 20,
    },
    calyx: { color: "#a8404a", count: 6, length: 0.36, width: 0.13, curl: 0.5, bottom: true },
  },
  {
    name: "Eggplant",
    shape: { height: 1.6, taper: -0.24, bend: 0.2, lumpy: 0.05 },
    skin: { base: "#25102e", gloss: 0.95, polish: 80 },
    calyx: { color: "#4c7338", count: 6, length: 0.5, width: 0.22, curl: -0.3 },
    stem: { length: 0.42, radius: 0.1, color: "#55783c", lean: 0.2 },
  },
  {
    name: "Apricot",
    shape: { ...stone, height: 0.98, suture: 0.08 },
    skin: {
      base: "#eba83f",
      blush: { color: "#cf5a2c", amount: 0.32, at: "side", soft: 0.7, streaks: 0.15 },
      dots: { color: "#a8432a", cells: 16, density: 0.22, radius: 0.16, strength: 0.6 },
      gloss: 0.1,
      polish: 7,
    },
  },
  {
    name: "Cantaloupe",
    shape: { height: 0.96, lobes: { count: 10, depth: 0.03, at: "all" }, lumpy: 0.04 },
    skin: {
      base: "#b59a5c",
      bands: { color: "#5f7340", count: 10, wobble: 0.15, strength: 0.6 },
      net: { color: "#dccba0", cells: 5.5, strength: 0.8 },
      gloss: 0.08,
      polish: 6,
    },
    stem: { length: 0.12, radius: 0.07, color: "#8f8250" },
  },
  {
    name: "Blueberry",
    shape: { height: 0.9, top: { depth: 0.08, width: 0.2 }, lumpy: 0.03 },
    skin: { base: "#2c3763", bloom: 0.6, cavity: { color: "#171a30", reach: 0.1 }, gloss: 0.16, polish: 10 },
    calyx: { color: "#232a4c", count: 5, length: 0.26, width: 0.13, curl: 0.3 },
  },
  {
    name: "Lime",
    shape: { height: 1.1, bottom: { depth: -0.14, width: 0.18 }, top: { depth: -0.04, width: 0.16 }, lumpy: 0.04 },
    skin: {
      base: "#4f8a25",
      dots: { color: "#2f5f14", cells: 24, density: 0.75, radius: 0.32, strength: 0.4 },
      tip: { color: "#a7ab4a", reach: 0.06 },
      mottle: 0.12,
      gloss: 0.4,
      polish: 24,
    },
  },
  {
    name: "Apple Golden",
    shape: { ...apple, height: 1 },
    skin: {
      base: "#d6c445",
      blush: { color: "#d39a3f", amount: 0.2, at: "side", soft: 0.8 },
      dots: { color: "#8a7a33", cells: 15, density: 0.5, radius: 0.14, strength: 0.6 },
      cavity: { color: "#97853a", reach: 0.2 },
      mottle: 0.06,
      gloss: 0.3,
      polish: 20,
    },
    stem: { ...appleStem, length: 0.55 },
  },
  {
    name: "Kaki",
    shape: { height: 0.8, boxy: 0.16, lobes: { count: 4, depth: 0.03, at: "all" }, top: { depth: 0.1, width: 0.35 } },
    skin: { base: "#e2701a", bloom: 0.1, mottle: 0.08, gloss: 0.45, polish: 30 },
    calyx: { color: "#7c7a3d", count: 4, length: 0.58, width: 0.3, curl: 0.05 },
  },
  {
    name: "Grape White",
    shape: { height: 1.2 },
    skin: {
      base: "#a9b34a",
      blush: { color: "#c9b45a", amount: 0.4, at: "side", soft: 0.9 },
      bloom: 0.15,
      gloss: 0.55,
      polish: 40,
    },
    cluster: { berries: 42, berry: 0.28, height: 1.2, taper: 0.45 },
    stem: { length: 0.5, radius: 0.045, color: "#7d8a3c", lean: 0.15 },
  },
  {
    name: "Pepper Red",
    shape: { ...pepper, height: 1.28, taper: 0.26, lobes: { count: 3, depth: 0.08, at: "all" } },
    skin: { base: "#b81414", mottle: 0.06, gloss: 0.85, polish: 60 },
    stem: pepperStem,
  },
  {
    name: "Cherry Rainier",
    shape: cherry,
    skin: {
      base: "#e9c878",
      blush: { color: "#c73a35", amount: 0.42, at: "side", soft: 0.6, streaks: 0.15 },
      dots: { color: "#b8433c", cells: 14, density: 0.3, radius: 0.2, strength: 0.5 },
      gloss: 0.7,
      polish: 60,
    },
    stem: cherryStem,
  },
  {
    name: "Fig",
    shape: {
      height: 0.82,
      neck: { width: 0.42, rise: 0.45 },
      taper: -0.05,
      bottom: { depth: 0.06, width: 0.2 },
      lumpy: 0.06,
    },
    skin: {
      base: "#3f2440",
      bands: { color: "#6d5a44", count: 22, wobble: 0.35, strength: 0.4 },
      cavity: { color: "#6f7f3d", reach: 0.16 },
      bloom: 0.3,
      gloss: 0.1,
      polish: 8,
    },
    stem: { length: 0.16, radius: 0.07, color: "#76833f" },
  },
  {
    name: "Tomato Heart",
    shape: {
      height: 0.78,
      boxy: 0.12,
      top: { depth: 0.22, width: 0.34 },
      bottom: { depth: 0.06, width: 0.25 },
      lobes: { count: 9, depth: 0.075, at: "top" },
      lumpy: 0.1,
    },
    skin: { base: "#d8321a", cavity: { color: "#b88a2a", reach: 0.3 }, mottle: 0.06, gloss: 0.65, polish: 46 },
    calyx: tomatoCalyx,
  },
  {
    name: "Pear Abate",
    shape: { ...pear, height: 1.05, neck: { width: 0.42, rise: 1.05 }, lumpy: 0.1 },
    skin: {
      base: "#9c9a3e",
      blush: { color: "#7a5a2c", amount: 0.42, at: "top", soft: 0.9, streaks: 0.3 },
      dots: { color: "#6a5526", cells: 18, density: 0.6, radius: 0.16, strength: 0.55 },
      mottle: 0.2,
      gloss: 0.12,
      polish: 8,
    },
    stem: pearStem,
  },
  {
    name: "Mandarine",
    shape: {
      ...citrus,
      height: 0.76,
      top: { depth: 0.08, width: 0.28 },
      lobes: { count: 10, depth: 0.012, at: "top" },
    },
    skin: {
      base: "#e8690f",
      dots: { color: "#a84806", cells: 20, density: 0.8, radius: 0.36, strength: 0.4 },
      cavity: { color: "#d98a2a", reach: 0.1 },
      gloss: 0.42,
      polish: 22,
    },
    stem: { length: 0.05, radius: 0.05, color: "#5f7a2f" },
    leaf: { color: "#2f6a26", length: 0.85 },
  },
  {
    name: "Coconut",
    shape: { height: 1.06, lobes: { count: 3, depth: 0.03, at: "all" }, lumpy: 0.08 },
    skin: {
      base: "#5f4329",
      bands: { color: "#8f7048", count: 46, wobble: 0.7, strength: 0.6 },
      mottle: 0.4,
      gloss: 0.03,
      polish: 4,
    },
  },
  {
    name: "Plum Mirabelle",
    shape: { ...stone, height: 0.98, suture: 0.05 },
    skin: {
      base: "#d9a92c",
      dots: { color: "#b04a2c", cells: 12, density: 0.3, radius: 0.2, strength: 0.6 },
      bloom: 0.22,
      gloss: 0.3,
      polish: 20,
    },
    stem: { length: 0.25, radius: 0.03, color: BROWN, lean: 0.1 },
  },
  {
    name: "Apple Red Delicious",
    shape: { ...apple, height: 1.06, taper: 0.22, lobes: { count: 5, depth: 0.085, at: "bottom" } },
    skin: {
      base: "#8a1022",
      dots: { color: "#d58a7a", cells: 14, density: 0.4, radius: 0.14, strength: 0.6 },
      bands: { color: "#5f0a18", count: 26, wobble: 0.5, strength: 0.4 },
      cavity: { color: "#8f6a2a", reach: 0.14 },
      gloss: 0.6,
      polish: 40,
    },
    stem: appleStem,
  },
  {
    name: "Grapefruit Pink",
    shape: { ...citrus, height: 0.9 },
    skin: {
      base: "#e9b13d",
      blush: { color: "#d9693f", amount: 0.4, at: "side", soft: 0.9 },
      dots: { color: "#b97a22", cells: 24, density: 0.7, radius: 0.32, strength: 0.35 },
      gloss: 0.3,
      polish: 16,
    },
  },
  {
    name: "Papaya",
    shape: { height: 1.34, taper: -0.18, lobes: { count: 5, depth: 0.025, at: "all" }, lumpy: 0.06 },
    skin: {
      base: "#c9a32f",
      blush: { color: "#4f7a2c", amount: 0.45, at: "top", soft: 0.8, streaks: 0.3 },
      dots: { color: "#7a5a20", cells: 12, density: 0.15, radius: 0.16, strength: 0.6 },
      mottle: 0.14,
      gloss: 0.25,
      polish: 14,
    },
    stem: { length: 0.14, radius: 0.09, color: "#8a8a45" },
  },
  {
    name: "Mulberry",
    shape: berryShape,
    skin: { base: "#2a1020", bloom: 0.06, gloss: 0.7, polish: 40 },
    cluster: { berries: 84, berry: 0.17, height: 1.15, taper: 0.8 },
    stem: { length: 0.35, radius: 0.035, color: "#86974a", lean: 0.1 },
  },
  {
    name: "Nectarine",
    shape: { ...stone, height: 0.97, suture: 0.06 },
    skin: {
      base: "#dd8f2c",
      blush: { color: "#8f1420", amount: 0.68, at: "side", soft: 0.6, streaks: 0.35 },
      dots: { color: "#e8b96a", cells: 15, density: 0.35, radius: 0.14, strength: 0.5 },
      gloss: 0.55,
      polish: 34,
    },
  },
  {
    name: "Tomato Yellow",
    shape: { ...tomato, height: 0.95 },
    skin: { base: "#dda81c", cavity: { color: "#b9a63a", reach: 0.2 }, gloss: 0.65, polish: 50 },
    calyx: tomatoCalyx,
  },
  {
    name: "Passion Fruit",
    shape: { height: 1.04, lumpy: 0.06 },
    skin: {
      base: "#43203c",
      dots: { color: "#a58a72", cells: 11, density: 0.4, radius: 0.2, strength: 0.5 },
      mottle: 0.3,
      bloom: 0.12,
      gloss: 0.2,
      polish: 12,
    },
    stem: { length: 0.14, radius: 0.05, color: "#7a6a44" },
  },
  {
    name: "Cucumber",
    shape: { height: 2.5, boxy: 0.3, bend: 0.25, lobes: { count: 6, depth: 0.015, at: "all" }, lumpy: 0.04 },
    skin: {
      base: "#3f6a26",
      bands: { color: "#9aae5c", count: 9, wobble: 0.3, strength: 0.4 },
      dots: { color: "#c7cf96", cells: 7, density: 0.3, radius: 0.14, strength: 0.6 },
      gloss: 0.3,
      polish: 18,
    },
    stem: { length: 0.2, radius: 0.1, color: "#7d8f4c" },
  },
  {
    name: "Quince",
    shape: {
      height: 0.98,
      neck: { width: 0.62, rise: 0.25 },
      lobes: { count: 5, depth: 0.05, at: "all" },
      bottom: { depth: 0.12, width: 0.25 },
      lumpy: 0.14,
    },
    skin: {
      base: "#dbc03a",
      mottle: 0.14,
      blemishes: 0.2,
      cavity: { color: "#8d8a3f", reach: 0.14 },
      gloss: 0.12,
      polish: 8,
    },
    stem: { length: 0.12, radius: 0.05, color: BROWN },
  },
  {
    name: "Cherry Black",
    shape: { ...cherry, height: 0.9 },
    skin: { base: "#2e0a16", gloss: 1, polish: 100 },
    stem: cherryStem,
  },
  {
    name: "Pepper Green",
    shape: { ...pepper, height: 1.05 },
    skin: { base: "#35702a", mottle: 0.1, gloss: 0.8, polish: 56 },
    stem: pepperStem,
  },
  {
    name: "Walnut",
    shape: {
      height: 1.14,
      suture: -0.06,
      bottom: { depth: -0.1, width: 0.2 },
      lobes: { count: 2, depth: -0.03, at: "all" },
      lumpy: 0.06,
    },
    skin: {
      base: "#a9854f",
      net: { color: "#6d4d28", cells: 4.5, strength: 0.7 },
      mottle: 0.3,
      gloss: 0.08,
      polish: 6,
    },
  },
  {
    name: "Tomato Maroon",
    shape: { ...tomato, height: 0.9 },
    skin: {
      base: "#5f1c14",
      blush: { color: "#3f3a1c", amount: 0.34, at: "top", soft: 0.6, streaks: 0.3 },
      gloss: 0.7,
      polish: 50,
    },
    calyx: tomatoCalyx,
  },
];
