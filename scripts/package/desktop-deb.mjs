// The unpacked desktop app as a Debian package, by electron-installer-debian.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { root, Stop, which } from "../lib/project.mjs";
import { ARCHITECTURES, MAINTAINER, systemDepends } from "./deb.mjs";
import { ICON_SIZES } from "./icons.mjs";
import { systemFloor } from "./shared-libraries.mjs";
import { readPackage } from "./stage.mjs";
import { requireTool } from "./tools.mjs";

/**
 * Makes `verger_<version>_<arch>.deb`.
 *
 * @param unpacked what electron-builder made with `--dir`
 * @param icons the folder that drawIcons filled
 * @param out the folder for the package
 * @returns the file, by absolute path
 * @throws Stop
 */
export async function packageDesktopDeb({ unpacked, icons, out }) {
  if (!which("fakeroot")) throw new Stop("Expected fakeroot for the Debian package, but there is none; install it.");
  const arch = ARCHITECTURES[process.arch];
  mkdirSync(out, { recursive: true });
  const { version, description } = readPackage();
  await requireTool("electron-installer-debian")({
    src: unpacked,
    dest: out,
    arch,
    options: {
      name: "verger",
      productName: "Verger",
      genericName: "Photo Embeddings",
      description: "photos of fruit to embeddings, a PCA and a map to explore",
      productDescription: description,
      maintainer: MAINTAINER,
      section: "science",
      categories: ["Science"],
      mimeType: ["inode/directory"],
      bin: "verger",
      icon: Object.fromEntries(
        ICON_SIZES.map((size) => [`${size}x${size}`, path.join(icons, "icons", `${size}x${size}.png`)]),
      ),
      desktopTemplate: path.join(root, "packaging", "linux", "verger.desktop.ejs"),
      depends: systemDepends(systemFloor(path.join(unpacked, "resources"))),
      compression: "xz",
    },
    rename: (folder) => path.join(folder, `verger_${version}_${arch}.deb`),
  });
  return path.join(out, `verger_${version}_${arch}.deb`);
}
