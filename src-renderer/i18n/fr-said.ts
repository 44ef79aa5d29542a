/**
 * French of what the backend says: notices (src-main/core/notices.ts) by their codes, all of them, and the errors
 * (docs/errors.md) that people at the window are likely to meet. What has no sentence here is said in English. Of several
 * sentences the first counts whose {values} are all known. Non-breaking spaces stand before ; : ? ! and inside « ».
 */
import type { Said } from "./index.js";

export const frNotices: Said = {
  "scan/ignored-files": {
    one: "{count} fichier ignoré : ce n’est pas une image ({extensions}).",
    other: "{count} fichiers ignorés : ce ne sont pas des images ({extensions}).",
  },
  "scan/hidden": {
    one: "{count} nom caché ignoré (« {example} ») : les noms qui commencent par un point ne sont pas lus.",
    other: "{count} noms cachés ignorés, dont « {example} » : les noms qui commencent par un point ne sont pas lus.",
  },
  "scan/runs": {
    one: "{count} dossier d’exécution ignoré (« {example} ») : les résultats de Verger ne sont pas une source.",
    other: "{count} dossiers d’exécution ignorés, dont « {example} » : les résultats de Verger ne sont pas une source.",
  },
  "scan/repeated-folders": {
    one: "{count} lien vers un dossier ignoré (« {example} ») : un dossier n’est lu qu’une fois, sous son propre nom.",
    other:
      "{count} liens vers des dossiers ignorés, dont « {example} » : un dossier n’est lu qu’une fois, sous son propre nom.",
  },
  "scan/unreadable-folders": {
    one: "{count} dossier ignoré (« {example} ») : il ne peut pas être lu.",
    other: "{count} dossiers ignorés, dont « {example} » : ils ne peuvent pas être lus.",
  },
  "scan/name-encoding": {
    one: "{count} nom ignoré (« {example} ») : il n’est pas en UTF-8, renommez-le.",
    other: "{count} noms ignorés, dont « {example} » : ils ne sont pas en UTF-8, renommez-les.",
  },
  "scan/duplicates": {
    one: "{count} image citée plusieurs fois : elle ne compte qu’une fois.",
    other: "{count} images citées plusieurs fois : chacune ne compte qu’une fois.",
  },
  "scan/label-conflicts": {
    one: "{count} image citée avec des étiquettes différentes (« {example} ») : la première étiquette est gardée.",
    other:
      "{count} images citées avec des étiquettes différentes, dont « {example} » : la première étiquette est gardée.",
  },
  "run/unchanged": "Rien n’a changé depuis la fin de cette exécution : tous les vecteurs sont repris.",
  "run/uploading": "Attente de l’envoi des derniers {mebibytes} Mio de l’exécution vers {run}.",
  "run/provider": [
    "Calcul : {provider}, {sessions} × {threads} (sessions × fils). {without} n’est pas disponible : {library} n’est pas installé à côté d’ONNX Runtime.",
    "Calcul : {provider}, {sessions} × {threads} (sessions × fils). {without} ne fonctionne pas ici.",
    "Calcul : {provider}, {sessions} × {threads} (sessions × fils).",
  ],
  "labels/applied": {
    one: "{count} image de pca/ porte une étiquette corrigée (labels.jsonl).",
    other: "{count} images de pca/ portent une étiquette corrigée (labels.jsonl).",
  },
  "labels/kept": {
    one: "{count} correction d’étiquette gardée de l’exécution recommencée : les sources sont les mêmes.",
    other: "{count} corrections d’étiquettes gardées de l’exécution recommencée : les sources sont les mêmes.",
  },
  "labels/set-aside": {
    one: "{count} correction d’étiquette d’autres photos mise de côté dans {file}, rien n’est effacé.",
    other: "{count} corrections d’étiquettes d’autres photos mises de côté dans {file}, rien n’est effacé.",
  },
  "features/fetching": {
    one: "Réception de {count} fichier de vecteurs ({mebibytes} Mio) de {from}.",
    other: "Réception de {count} fichiers de vecteurs ({mebibytes} Mio) de {from}.",
  },
  "cache/unavailable": "Les photos ne sont pas gardées pour plus tard : {reason}",
  "job/interrupted": "Verger s’est arrêté pendant cette tâche ; ce qui était fait est gardé, et elle peut reprendre.",
};

export const frProblems: Said = {
  "source/missing": [
    "Il n’y a rien à « {path} » ; vérifiez l’orthographe.",
    "La source est introuvable ; vérifiez l’orthographe.",
  ],
  "source/empty": [
    "Aucune photo dans « {path} » ; choisissez un dossier qui en contient.",
    "Aucune photo dans cette source.",
  ],
  "source/not-readable": "La source ne peut pas être lue ; vérifiez vos droits sur elle.",
  "source/unsupported": [
    "« {path} » n’est ni un dossier, ni une image, ni une liste que Verger sait lire.",
    "Verger ne sait pas lire ce genre de source.",
  ],
  "source/csv": "Ce tableau CSV ne peut pas être lu.",
  "source/list": "Cette liste ne peut pas être lue.",
  "source/broken-link": "Ce lien ne mène nulle part.",
  "source/name-encoding": "Ce nom de fichier n’est pas en UTF-8 ; renommez-le.",
  "image/missing": "Le fichier n’est plus là.",
  "image/unreadable": "Le fichier ne peut pas être lu ; vérifiez vos droits et le disque.",
  "image/empty": "Le fichier est vide ; copiez-le de nouveau depuis l’appareil.",
  "image/unknown-format": "Ce n’est ni un JPEG, ni un PNG, ni un WebP, quel que soit son nom.",
  "image/unsupported": "Cette variante du format n’est pas prise en charge ; convertissez l’image.",
  "image/corrupt": "L’image est endommagée et ne peut pas être décodée.",
  "image/truncated": "L’image s’arrête trop tôt ; copiez-la de nouveau depuis l’appareil.",
  "image/too-large": "L’image a plus de pixels que la limite permise.",
  "image/too-many-scans": "Ce JPEG progressif a trop de passes ; convertissez-le.",
  "image/memory": "Pas assez de mémoire pour cette image.",
  "run/not-a-run": [
    "« {run} » n’est pas un dossier d’exécution : il n’a pas de run.json.",
    "Ce n’est pas un dossier d’exécution : il n’y a pas de run.json.",
  ],
  "run/newer": "Cette exécution a été faite par une version plus récente de Verger ; ouvrez-la avec celle-ci.",
  "run/corrupt": "Le fichier run.json de cette exécution est endommagé.",
  "run/not-readable": "Le fichier run.json de cette exécution ne peut pas être lu ; vérifiez vos droits.",
  "run/in-use": "Une autre tâche écrit dans ce dossier d’exécution ; attendez sa fin.",
  "run/not-empty": "Ce dossier contient d’autres fichiers ; choisissez un dossier nouveau ou vide.",
  "run/mismatch":
    "Ce dossier contient une exécution faite autrement (modèle, réglages ou source) ; choisissez-en un autre.",
  "run/incomplete": "Cette exécution n’est pas terminée ; relancez-la pour la finir.",
  "run/unknown": "Cette exécution n’a pas été ouverte sur cette machine ; ouvrez-la par son dossier.",
  "run/changed": "Cette exécution a changé depuis qu’elle a été ouverte ; ouvrez-la de nouveau.",
  "run/no-pca": "Cette exécution n’a pas encore de composantes principales qui lui correspondent.",
  "run/no-features": "Les vecteurs de cette exécution sont introuvables.",
  "run/no-trash": "Ce dossier ne peut pas aller à la corbeille ; supprimez-le vous-même.",
  "photo/missing": [
    "La photo n’est pas à « {path} » : elle a été déplacée ou supprimée, ou son disque n’est pas branché.",
    "Les photos ne sont pas là où elles étaient ; remettez leur dossier en place, ou branchez leur disque.",
  ],
  "photo/no-folder": [
    "« {path} » n’est pas un dossier qui peut être ouvert ; choisissez-en un autre.",
    "Ce n’est pas un dossier qui peut être ouvert ; choisissez-en un autre.",
  ],
  "photo/outside": "Cette photo est en dehors des sources de l’exécution ; elle n’est pas montrée.",
  "photo/unreadable": "La photo ne peut pas être lue ; vérifiez vos droits.",
  "labels/corrupt":
    "Le fichier labels.jsonl de cette exécution est endommagé ; réparez la ligne indiquée ou déplacez le fichier.",
  "labels/newer": "Les corrections d’étiquettes viennent d’une version plus récente de Verger.",
  "labels/nothing-to-undo": "Il n’y a plus de changement à annuler ou à rétablir.",
  "export/exists": "Ce fichier ou ce dossier existe déjà ; un export ne remplace jamais rien.",
  "export/no-folder": "« {folder} » n’est pas un dossier existant ; choisissez-en un autre ou créez-le d’abord.",
  "export/too-large-to-send":
    "Un tableau de plus de {most} Mio ne peut pas être téléchargé (il en fait {size}) ; exportez-le dans un dossier, ou sans les vecteurs.",
  "export/too-large": {
    one: "Un export avec les vecteurs contient au plus {most} photos, mais {count} est demandée ; sélectionnez-en moins.",
    other:
      "Un export avec les vecteurs contient au plus {most} photos, mais {count} sont demandées ; sélectionnez-en moins.",
  },
  "job/unknown": "Cette tâche n’est plus dans la liste.",
  "job/state": "Cela n’est pas possible dans l’état où se trouve cette tâche.",
  "job/crashed": "La tâche s’est arrêtée sans résultat ; reprenez-la, et signalez-le si cela se répète.",
  "storage/disk-full": "Le disque est plein ; libérez de la place et recommencez, rien n’est perdu.",
  "storage/read-only": "Ce dossier ne peut pas être écrit ; choisissez-en un autre ou changez vos droits.",
  "storage/write": "L’écriture a échoué.",
  "storage/read": "La lecture a échoué.",
  "files/not-readable": "Ce dossier ne peut pas être lu ; vérifiez vos droits.",
  "pca/too-few-rows": "Il faut au moins deux photos avec un vecteur pour une ACP.",
  "pca/variance": "La part de variance doit être supérieure à 0 et d’au plus 1.",
  "pca/components": "Le nombre de composantes doit être un entier d’au moins 1.",
  "pca/no-variance": "Toutes les photos ont le même vecteur : il n’y a pas de variance à expliquer.",
  "features/not-found": "Il n’y a pas de vecteurs à cet endroit.",
  "features/empty": "Aucun fichier Parquet à cet endroit.",
  "features/columns": "Ces fichiers n’ont pas les colonnes attendues (path, features).",
  "features/null": "Un vecteur est vide (null).",
  "features/ragged": "Les vecteurs n’ont pas tous la même longueur.",
  "parquet/corrupt": "Un fichier Parquet est endommagé.",
  "model/unknown": "Ce modèle n’est pas connu.",
  "model/not-pulled": "Ce modèle doit d’abord être téléchargé (« verger models pull »).",
  "model/hash": "Le fichier du modèle n’est pas celui qui a été enregistré.",
  "provider/unavailable": "Aucun moyen de calcul demandé ne fonctionne sur cette machine.",
  "s3/access-denied": "Ces identifiants S3 n’ont pas le droit de faire cela.",
  "s3/credentials": "Aucun identifiant S3 valable n’a été trouvé.",
  "s3/no-bucket": "Ce compartiment S3 n’existe pas.",
  "s3/no-key": "Cet objet S3 n’existe pas, ou plus.",
  "s3/unreachable": "Le serveur S3 ne répond pas ; vérifiez la connexion.",
  "s3/unavailable": "Le serveur S3 est indisponible pour le moment ; réessayez plus tard.",
  "s3/url": "Ce n’est pas une adresse s3://compartiment/préfixe.",
  "desktop/engine-ended":
    "Le moteur de Verger s’est arrêté avant de répondre ; il redémarre, et les tâches peuvent être reprises.",
  "server/token": "Cette adresse n’a pas de jeton valable ; ouvrez l’adresse affichée par « verger serve ».",
  "request/unknown-channel": "La page et le serveur ne sont pas de la même version ; rechargez la page.",
  "network/unreachable": "Verger n’a pas répondu.",
  cancelled: "L’opération a été annulée.",
};
