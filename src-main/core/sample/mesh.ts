/** Triangle meshes of parametric surfaces, with normals, texture coordinates and one material per part. */
import { cosTurn, cross, normalize, sinTurn, type Vec3 } from "./math.js";

/** A point of a surface for u, v in [0, 1]. */
export type Surface = (u: number, v: number) => Vec3;

/** Vertices and triangles; grows while it is built. */
export class MeshBuilder {
  readonly #positions: number[] = [];
  readonly #normals: number[] = [];
  readonly #uvs: number[] = [];
  readonly #materials: number[] = [];
  readonly #indices: number[] = [];
  readonly #occlusion: number[] = [];

  /**
   * Adds a grid over a surface.
   *
   * @param steps cells along u and v
   * @param closed whether u = 0 and u = 1 are the same line, so that normals agree across it
   * @param occlusion light that reaches a vertex, 0 to 1; 1 everywhere unless given
   */
  add(
    surface: Surface,
    steps: readonly [nu: number, nv: number],
    material: number,
    options: { closed?: boolean; occlusion?: (p: Vec3) => number } = {},
  ): void {
    const [nu, nv] = steps;
    const first = this.#positions.length / 3;
    const h = 1 / 512;
    for (let j = 0; j <= nv; j++) {
      for (let i = 0; i <= nu; i++) {
        const u = i / nu;
        const v = j / nv;
        const p = surface(u, v);
        this.#positions.push(...p);
        this.#normals.push(...normalAt(surface, u, v, h, options.closed ?? true));
        this.#uvs.push(u, v);
        this.#materials.push(material);
        this.#occlusion.push(options.occlusion?.(p) ?? 1);
      }
    }
    for (let j = 0; j < nv; j++) {
      for (let i = 0; i < nu; i++) {
        const a = first + j * (nu + 1) + i;
        const b = a + nu + 1;
        this.#indices.push(a, b, a + 1, a + 1, b, b + 1);
      }
    }
  }

  build(): Mesh {
    return {
      positions: Float64Array.from(this.#positions),
      normals: Float64Array.from(this.#normals),
      uvs: Float64Array.from(this.#uvs),
      materials: Uint8Array.from(this.#materials),
      occlusion: Float64Array.from(this.#occlusion),
      indices: Uint32Array.from(this.#indices),
    };
  }
}

/** Three doubles a vertex in `positions` and `normals`, two in `uvs`; three vertices a triangle in `indices`. */
export interface Mesh {
  readonly positions: Float64Array;
  readonly normals: Float64Array;
  readonly uvs: Float64Array;
  readonly materials: Uint8Array;
  readonly occlusion: Float64Array;
  readonly indices: Uint32Array;
}

function normalAt(surface: Surface, u: number, v: number, h: number, closed: boolean): Vec3 {
  // A little inside the poles, where the derivative along u vanishes.
  const vv = Math.min(1 - 2 * h, Math.max(2 * h, v));
  const wrap = (x: number): number => (closed ? x - Math.floor(x) : Math.min(1, Math.max(0, x)));
  const a = surface(wrap(u - h), vv);
  const b = surface(wrap(u + h), vv);
  const c = surface(u, vv - h);
  const d = surface(u, vv + h);
  const along: Vec3 = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const down: Vec3 = [d[0] - c[0], d[1] - c[1], d[2] - c[2]];
  return normalize(cross(along, down));
}

/** A tube along `path`, closed to a point at its end. `radius(t)` for t in [0, 1]. */
export function tube(path: (t: number) => Vec3, radius: (t: number) => number): Surface {
  return (u, v) => {
    const p = path(v);
    const a = path(Math.max(0, v - 0.02));
    const b = path(Math.min(1, v + 0.02));
    const forward = normalize([b[0] - a[0], b[1] - a[1], b[2] - a[2]]);
    const helper: Vec3 = Math.abs(forward[0]) < 0.9 ? [1, 0, 0] : [0, 0, 1];
    const side = normalize(cross(helper, forward));
    const up = cross(forward, side);
    const r = radius(v);
    const c = cosTurn(u) * r;
    const s = sinTurn(u) * r;
    return [p[0] + side[0] * c + up[0] * s, p[1] + side[1] * c + up[1] * s, p[2] + side[2] * c + up[2] * s];
  };
}
