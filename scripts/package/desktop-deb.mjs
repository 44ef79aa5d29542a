// The unpacked desktop app as a Debian package, by electron-installer-debian.
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, Stop, which } from "../lib/project.mjs";
import { ARCHITECTURES, MAINTAINER, systemDepends, writeDocuments } from "./deb.mjs";
import { ICON_SIZES } from "./icons.mjs";
import { systemFloor } from "./shared-libraries.mjs";
import { readPackage } from "./stage.mjs";
import { requireTool } from "./tools.mjs";
import { sourceDateEpoch } from "./tree.mjs";

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
  const notice = readFileSync(path.join(unpacked, "NOTICE.txt"));
  const installer = new (desktopInstaller({ version, epoch: sourceDateEpoch(), notice }))({
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
    logger: () => {},
  });
  // Half as long as at the default level, for 3 % more.
  process.env.DPKG_DEB_COMPRESSOR_LEVEL ??= "3";
  await installer.generateDefaults();
  await installer.generateOptions();
  await installer.createStagingDir();
  await installer.createContents();
  await installer.createPackage();
  await installer.movePackage();
  return path.join(out, `verger_${version}_${arch}.deb`);
}

/** electron-installer-debian's installer, with the papers that the package for servers has too. */
function desktopInstaller(papers) {
  const { Installer } = requireTool("electron-installer-debian");
  return class extends Installer {
    async createCopyright() {
      writeDocuments(path.join(this.stagingDir, "usr"), "verger", papers);
    }

    /** Written with the others. */
    async createOverrides() {}
  };
}
