// The forms of realms.
import type { EntryKind } from "../../lib/entry/kind";
import type { FieldSpec } from "../../lib/entry/spec";
import { t } from "../../lib/text";

const comment = (): FieldSpec[] => [{ name: "comment", label: t("comment") }, { name: "default", label: t("access.realm.makedefault"), kind: "checkbox", initial: false }];
const realm = (): FieldSpec => ({ name: "realm", label: t("access.realm"), required: true, fixed: true });
const MODES = ["ldap", "ldap+starttls", "ldaps"].map((value) => ({ value, label: value }));

const directory = (ad: boolean) => (): FieldSpec[] => [
  realm(), { name: "server1", label: t("access.server1"), required: true }, { name: "server2", label: t("access.server2") }, { name: "port", label: t("access.port"), kind: "number", min: 1, max: 65535 },
  { name: "mode", label: t("access.mode"), kind: "select", options: MODES, initial: "ldap" }, { name: "verify", label: t("access.verify"), kind: "checkbox", initial: false },
  { name: "base-dn", label: t("access.basedn"), required: !ad, placeholder: "dc=example,dc=com" }, ...(ad ? [] : [{ name: "user-attr", label: t("access.userattr"), required: true, hint: t("access.userattr.hint") }]),
  { name: "bind-dn", label: t("access.binddn") }, { name: "password", label: t("access.bindpw"), kind: "password", secret: true }, ...comment(),
  { name: "filter", label: t("access.filter"), advanced: true }, { name: "user-classes", label: t("access.classes"), advanced: true, placeholder: "inetorgperson,posixaccount,person,user" }, { name: "sync-attributes", label: t("access.attributes"), hint: t("access.attributes.hint"), advanced: true },
  { name: "sync-defaults-options", label: t("access.syncopts"), hint: t("access.syncopts.hint"), advanced: true }, { name: "capath", label: t("access.capath"), advanced: true },
];
const openid = (): FieldSpec[] => [
  realm(), { name: "issuer-url", label: t("access.issuer"), required: true, placeholder: "https://" }, { name: "client-id", label: t("access.clientid"), required: true }, { name: "client-key", label: t("access.clientkey"), kind: "password" },
  { name: "username-claim", label: t("access.claim"), fixed: true, hint: t("access.claim.hint") }, { name: "scopes", label: t("access.scopes"), placeholder: "email profile" }, { name: "autocreate", label: t("access.autocreate"), kind: "checkbox", initial: false }, ...comment(),
  { name: "prompt", label: t("access.prompt"), advanced: true }, { name: "acr-values", label: t("access.acr"), advanced: true }, { name: "audiences", label: t("access.audiences"), advanced: true },
];
export const realmKinds: EntryKind[] = [
  { id: "ldap", label: t("access.ldap"), create: "/config/access/ldap", one: "/config/access/ldap/{realm}", key: "realm", fields: directory(false) },
  { id: "ad", label: t("access.ad"), create: "/config/access/ad", one: "/config/access/ad/{realm}", key: "realm", fields: directory(true) },
  { id: "openid", label: t("access.openid"), create: "/config/access/openid", one: "/config/access/openid/{realm}", key: "realm", fields: openid },
  { id: "pam", label: t("access.builtin"), one: "/config/access/pam", key: "", lasting: true, fields: comment },
  { id: "pbs", label: t("access.builtin"), one: "/config/access/pbs", key: "", lasting: true, fields: comment },
];
