/**
 * French of what a check of this machine found (src-main/core/doctor/outcomes.ts): titles by `check.` and the check's id,
 * what was found by the outcome's code, and what to do by the code and `.advice`. Outcomes that are the sentence of an
 * error have that of the error (fr-said.ts). Non-breaking spaces stand before ; : ? ! and inside « ».
 */
import type { Said } from "./index.js";

const EMBEDDED = "{model} par {provider}, ONNX Runtime {runtime}, première image après {afterSeconds}";
const MEMORY = "{availableBytes} disponibles sur {totalBytes}";
const PROCESSOR = "{name}, {usable} utilisables sur {count} ; SIMD {target} parmi {targets}";
const REINSTALL = "Lancez « npm run build » dans une copie des sources, ou réinstallez Verger.";
const ROOM = "{folder}, accessible en écriture, {freeBytes} libres";

export const frDoctor: Said = {
  "check.node": "Node",
  "check.addon": "Module natif",
  "check.processor": "Processeur",
  "check.memory": "Mémoire",
  "check.libraries": "Bibliothèques",
  "check.models": "Modèles",
  "check.embedding": "Calcul de vecteurs",
  "check.temporary": "Dossier temporaire",
  "check.folder": "Dossier",

  "node.ok": "{version}",
  "node.old": "La version {version} est trop ancienne pour Verger.",
  "node.old.advice": "Installez Node 20.19.0 ou une version plus récente.",
  "addon.ok": "chargé, {threads} fils d’exécution, {platform}",
  "processor.ok": PROCESSOR,
  "processor.slow": PROCESSOR,
  "processor.slow.advice":
    "Aucune instruction vectorielle de ce processeur n’est utilisable : le décodage des images sera plusieurs fois plus lent.",
  "memory.ok": MEMORY,
  "memory.little": MEMORY,
  "memory.little.advice": "Fermez d’autres programmes, ou lancez avec --sessions 1 --batch 1 pour en prendre moins.",
  "libraries.ok": "{versions}",
  "models.ok": "{names}",
  "models.bad": "Le fichier de ces modèles n’est pas en ordre : {names}.",
  "models.bad.advice":
    "Retirez le modèle avec « verger models remove » et ajoutez-le de nouveau, ou réinstallez Verger.",
  "embedding.ok": EMBEDDED,
  "embedding.without": `${EMBEDDED} ({without} : {library} n’est pas installé à côté d’ONNX Runtime)`,
  "embedding.fallback": `${EMBEDDED} ({without} : {reason})`,
  "embedding.failed.advice": REINSTALL,
  "embedding.not-numbers": "Le vecteur d’un fruit dessiné n’a pas de valeurs, ou seulement des zéros.",
  "embedding.not-numbers.advice": REINSTALL,
  "folder.ok": ROOM,
  "folder.little": ROOM,
  "folder.little.advice": "Libérez de la place : les vecteurs de 100 000 images prennent environ 0,5 Go.",
  "folder.lossy": "{folder} ne rend pas ce qui y a été écrit.",
  "folder.lossy.advice": "Utilisez un autre disque : celui-ci perd des données.",
  "folder.refused": "Le système refuse l’écriture dans {folder} ({reason}).",
  "folder.refused.advice":
    "Choisissez un dossier où vous avez le droit d’écrire, sur un disque qui sait verrouiller les fichiers.",
  "broken.folder.advice": "Choisissez un dossier où vous avez le droit d’écrire.",
  "broken.part.advice": REINSTALL,
};
