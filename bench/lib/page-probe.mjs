/**
 * What a benchmark of the window adds to the page before the page's own code runs. It watches from outside, so the
 * window that is measured is the one that people get: drawing calls, frames, and when what an action changed is on the
 * screen. `installProbe` is sent to the browser as text: it may use nothing outside of itself.
 */
export function installProbe() {
  const draws = { last: 0, uploaded: 0, frames: 0, points: 0, gl: null, inFrame: false };
  const wrap = (prototype, name, before) => {
    const original = prototype[name];
    prototype[name] = function (...args) {
      before.call(this, ...args);
      return original.apply(this, args);
    };
  };
  const drawn = (points) => {
    draws.last = performance.now();
    draws.points = points;
    if (draws.inFrame) return;
    draws.inFrame = true;
    draws.frames += 1;
    requestAnimationFrame(() => {
      draws.inFrame = false;
    });
  };
  const uploaded = () => {
    draws.uploaded = performance.now();
  };
  wrap(WebGL2RenderingContext.prototype, "drawArrays", function (_mode, _first, points) {
    draws.gl = this;
    drawn(points);
  });
  for (const name of ["bufferData", "bufferSubData", "texImage2D", "texSubImage2D"]) {
    wrap(WebGL2RenderingContext.prototype, name, uploaded);
  }
  // Drawn without WebGL: there are no uploads, and nothing says how many points there are. Colours or flags are new when
  // the picture is, of which a few thousand pixels are looked at.
  let sample = 0;
  wrap(CanvasRenderingContext2D.prototype, "putImageData", (image) => {
    const pixels = new Uint32Array(image.data.buffer);
    let sum = 0;
    let marked = 0;
    for (let at = 0; at < pixels.length; at += 149) {
      sum = (Math.imul(sum, 31) + pixels[at]) | 0;
      if (pixels[at] !== pixels[0]) marked += 1;
    }
    if (sum !== sample) uploaded();
    sample = sum;
    drawn(marked);
  });

  /** Waits until the graphics process has done all that it was told. */
  const finishDrawing = () => {
    const { gl } = draws;
    gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  };
  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  /** After the browser has laid out and painted the frame under way. */
  const painted = () =>
    new Promise((resolve) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = resolve;
        channel.port2.postMessage(0);
      });
    });
  const gallery = () => document.querySelector('[data-testid="photos"]');
  const heading = () => gallery()?.closest("section")?.querySelector("h2")?.textContent ?? "";
  /** What the gallery lists, as far as one sees: its heading and its first photo. */
  const listed = () => `${heading()} ${gallery()?.querySelector("[data-row]")?.dataset.row}`;
  /** Milliseconds before an action counts as never answered. */
  const TIMEOUT = 60_000;

  /**
   * Milliseconds from the next event of this type to the frame that shows what it changed.
   *
   * @param {string} type of the event, whose own time stamp is the start: waiting in the queue counts
   * @param {{ map?: boolean, gallery?: boolean }} shows map: new colours or flags have been drawn by the graphics
   *   process; gallery: its heading or its first photo has changed
   */
  const answerTo = (type, shows) =>
    new Promise((resolve, reject) => {
      const before = listed();
      addEventListener(
        type,
        async (event) => {
          const began = event.timeStamp;
          for (;;) {
            await nextFrame();
            const map = !shows.map || (draws.uploaded > began && draws.last >= draws.uploaded);
            const list = !shows.gallery || listed() !== before;
            if (map && list) break;
            if (performance.now() - began > TIMEOUT) return reject(new Error(`no answer to ${type}`));
          }
          finishDrawing();
          await painted();
          resolve(performance.now() - began);
        },
        { capture: true, once: true },
      );
    });

  /**
   * Milliseconds from the next click until the map has drawn all points, the gallery has its first photo, and the map
   * answers the pointer.
   */
  const opened = (rows) =>
    new Promise((resolve, reject) => {
      addEventListener(
        "click",
        async ({ timeStamp: began }) => {
          const times = {};
          for (;;) {
            await nextFrame();
            if (performance.now() - began > TIMEOUT) return reject(new Error("the run did not open"));
            const host = document.querySelector('[data-testid="scatter"]');
            const canvasDrew = host && host.dataset.renderer !== "webgl" && draws.points > 0 && draws.last > began;
            if (!host || !(canvasDrew || draws.points === rows)) continue;
            if (times.points === undefined) {
              finishDrawing();
              times.points = performance.now() - began;
            }
            if (times.pointer === undefined && answersPointer(host)) times.pointer = performance.now() - began;
            const photo = gallery()?.querySelector("img");
            if (times.photo === undefined && photo?.complete && photo.naturalWidth > 0) {
              times.photo = performance.now() - began;
            }
            if (times.pointer !== undefined && times.photo !== undefined) return resolve(times);
          }
        },
        { capture: true, once: true },
      );
    });

  /** True when the map finds a point at some place: the pointer is moved over a grid of them. */
  const answersPointer = (host) => {
    const box = host.getBoundingClientRect();
    const target = host.querySelector("canvas:last-of-type");
    for (let y = 0.5; y < 1.45; y += 0.1) {
      for (let x = 0.02; x < 1; x += 0.01) {
        const at = { clientX: box.left + x * box.width, clientY: box.top + (y % 1) * box.height, bubbles: true };
        target.dispatchEvent(new PointerEvent("pointermove", at));
        if (host.style.cursor === "pointer") return true;
      }
    }
    return false;
  };

  /** Watches places of the gallery that are on the screen: how long each has no picture. */
  const watchBlanks = () => {
    const since = new Map();
    let longest = 0;
    let looks = 0;
    let lastLook = performance.now();
    let longestLook = 0;
    let running = true;
    const look = () => {
      if (!running) return;
      const now = performance.now();
      longestLook = Math.max(longestLook, now - lastLook);
      lastLook = now;
      looks += 1;
      const scroller = gallery();
      const box = scroller.getBoundingClientRect();
      const seen = new Set();
      const bare = (key) => {
        seen.add(key);
        if (!since.has(key)) since.set(key, now);
        longest = Math.max(longest, now - since.get(key));
      };
      // A place without a tile: between two photos of one size there is never more than a caption.
      const tiles = [...scroller.querySelectorAll("[data-row]")].map((tile) => [tile, tile.getBoundingClientRect()]);
      const on = tiles.filter(([, at]) => at.bottom > box.top && at.top < box.bottom);
      const top = Math.min(...on.map(([, at]) => at.top));
      const bottom = Math.max(...on.map(([, at]) => at.bottom));
      if (on.length === 0 || top > box.top + 60 || bottom < box.bottom - 60) bare("no tiles");
      for (const [tile] of on) {
        const photo = tile.querySelector("img");
        if (photo && !(photo.complete && photo.naturalWidth > 0)) bare(tile.dataset.row);
      }
      for (const key of since.keys()) if (!seen.has(key)) since.delete(key);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    return () => {
      running = false;
      return { longest, looks, longestLook };
    };
  };

  window.probe = { draws, answerTo, opened, watchBlanks, finishDrawing, nextFrame, painted, heading };
}
