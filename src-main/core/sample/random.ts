/**
 * Numbers that are the same on every machine. Only operations that IEEE 754 and ECMAScript define to the last bit are
 * used in this folder (+, -, *, /, sqrt, floor, 32-bit integers): no Math.sin, Math.pow or Math.exp.
 */

/** Mixes a 32-bit integer (the finaliser of MurmurHash3). */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A generator of reproducible numbers: sfc32 (C. Doty-Humphrey's Small Fast Counting generator). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Equal keys give equal streams; streams of different keys are unrelated. */
  constructor(...keys: readonly (number | string)[]) {
    let state = 0x9e3779b9;
    const absorb = (value: number): void => {
      state = mix32(Math.imul(state, 0x01000193) ^ mix32(value + 0x7f4a7c15));
    };
    for (const key of keys) {
      if (typeof key === "number") {
        absorb(key);
        absorb(Math.floor(key / 2 ** 32));
      } else {
        for (let i = 0; i < key.length; i++) absorb(key.charCodeAt(i));
        absorb(-1 - key.length);
      }
    }
    this.#a = mix32(state + 1);
    this.#b = mix32(state + 2);
    this.#c = mix32(state + 3);
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 random bits. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.bits() / 2 ** 32;
  }

  /** In [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Around 0, within (-1, 1), most often near 0. */
  near(): number {
    return (this.unit() + this.unit() + this.unit()) / 1.5 - 1;
  }

  /** A whole number in [0, count). */
  index(count: number): number {
    return Math.floor(this.unit() * count);
  }
}
