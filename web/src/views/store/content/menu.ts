// What the menu of a row offers.
import { t } from "../../../lib/text";
import type { Item } from "../../../lib/ui/Menu.svelte";
import { protect, started, tried, verify, type Place } from "./actions";
import type { Asked } from "./dialog";
import { browseAddress, fileAddress, timelineAddress } from "./links";
import { isArchive, isEncrypted, type Row } from "./rows";

export function itemsOf(row: Row, place: Place, name: string, ask: (asked: Asked) => void, changed: () => void): Item[] {
  const check = (of: Parameters<typeof verify>[1]) => void tried(async () => started(`${t("store.verify")} ${name}`, await verify(place, of)));
  if (row.kind === "namespace") return row.up ? [] : [{ label: t("store.move"), icon: "right", onclick: () => ask({ kind: "move", of: row.ns, name: row.ns }) }, { label: t("store.ns.remove"), icon: "trash", danger: true, onclick: () => ask({ kind: "remove-ns", ns: row.ns }) }];
  const copy: Item = { label: t("store.copy.name"), icon: "copy", onclick: () => void navigator.clipboard.writeText(name) };
  if (row.kind === "group") {
    const { group, snapshots } = row;
    return [
      { label: t("store.timeline"), icon: "history", href: timelineAddress(place, group) },
      { label: t("store.verify"), icon: "shield", onclick: () => check(group) },
      { label: t("store.prune"), icon: "prune", onclick: () => ask({ kind: "prune", group, name }) },
      { label: t("store.move"), icon: "right", onclick: () => ask({ kind: "move", of: group, name }) },
      { label: t("store.owner.change"), icon: "user", onclick: () => ask({ kind: "owner", group, name }) },
      copy,
      { label: t("store.forget"), icon: "trash", danger: true, onclick: () => ask({ kind: "forget-group", group, name, snapshots }) },
    ];
  }
  const { snapshot } = row;
  if (row.kind === "snapshot") {
    const archives = snapshot.files.filter((file) => isArchive(file.filename) && !isEncrypted(file));
    // They lead to the page that says how a client looks inside.
    const sealed = snapshot.files.filter((file) => isArchive(file.filename) && isEncrypted(file));
    return [
      ...archives.map((file): Item => ({ label: archives.length === 1 ? t("store.browse") : `${t("store.browse")}: ${file.filename}`, icon: "folder", href: browseAddress(place, snapshot, file.filename) })),
      ...sealed.map((file): Item => ({ label: sealed.length === 1 ? t("enc.browse") : `${t("enc.browse")}: ${file.filename}`, icon: "lock", href: browseAddress(place, snapshot, file.filename) })),
      { label: t("store.verify"), icon: "shield", onclick: () => check(snapshot) },
      { label: t(snapshot.protected ? "store.unprotect" : "store.protect"), icon: snapshot.protected ? "unlock" : "lock", onclick: () => void tried(() => protect(place, snapshot)).then(changed) },
      copy,
      { label: t("store.forget"), icon: "trash", danger: true, disabled: snapshot.protected, onclick: () => ask({ kind: "forget-snapshot", snapshot, name }) },
    ];
  }
  const { file } = row;
  return [
    { label: isEncrypted(file) ? t("store.file.encrypted") : t("download"), icon: isEncrypted(file) ? "lock" : "download", disabled: isEncrypted(file), href: fileAddress(place, snapshot, file.filename) },
    ...(file.filename.endsWith(".blob") ? [{ label: t("store.download.stored"), icon: "download", href: fileAddress(place, snapshot, file.filename, true) } satisfies Item] : []),
  ];
}
