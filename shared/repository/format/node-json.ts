/**
 * One node as text and back. The order of fields and what is omitted follow restic's Node struct, so that equal nodes
 * are equal texts; what restic 0.14 to 0.18 writes comes back to the letter.
 */
import { displayName } from '../../base/bytes.ts';
import { type BlobId } from '../ids.ts';
import { type ExtendedAttribute, NODE_TYPES, type NodeType, type StrayFields } from '../node.ts';
import { type Timestamp } from '../timestamp.ts';
import { damagedJson, goJson, goString, unknownFields } from './go-json.ts';
import { isValidUtf8, quoteName, unquoteName } from './go-quote.ts';
import { fromGoMode, toGoMode } from './node-mode.ts';
import { parseBlobId, parseTimestamp } from './read-text.ts';
import type { StoredNode } from './stored-node.ts';

/** Ids in one piece of text: a file of terabytes has more of them than a text can hold. */
const IDS_AT_ONCE = 10_000;

/** The text of a node in pieces; one for nearly all. */
export function* nodePieces(node: StoredNode): Generator<string> {
  const content = node.content ?? node.stray?.content;
  if (content === undefined || content.length <= IDS_AT_ONCE) {
    yield `${textBefore(node)}${contentField(content)}${textBehind(node)}`;
    return;
  }
  yield `${textBefore(node)},"content":["`;
  for (let at = 0; at < content.length; at += IDS_AT_ONCE) {
    yield `${at === 0 ? '' : '","'}${content.slice(at, at + IDS_AT_ONCE).join('","')}`;
  }
  yield `"]${textBehind(node)}`;
}

function textBefore(node: StoredNode): string {
  const mode = node.storedMode ?? toGoMode(node.type, node.mode);
  return [
    `{"name":${goString(quoteName(node.name))},"type":"${node.type}"`,
    mode === 0 ? '' : `,"mode":${mode}`,
    `,"mtime":"${node.mtime}","atime":"${node.atime}","ctime":"${node.ctime}","uid":${node.uid},"gid":${node.gid}`,
    text('user', node.user),
    text('group', node.group),
    number('inode', node.inode),
    number('device_id', node.deviceId),
    number('size', node.size),
    number('links', node.links),
    linkTarget(node.linkTarget),
    attributes(node.extendedAttributes),
    node.genericAttributes === undefined ? '' : `,"generic_attributes":${goJson(node.genericAttributes)}`,
    number('device', node.device),
  ].join('');
}

function textBehind(node: StoredNode): string {
  return [
    text('subtree', node.subtree ?? node.stray?.subtree),
    text('error', node.error),
    ...Object.entries(node.extra ?? {}).map(([key, value]) => `,${goString(key)}:${goJson(value)}`),
    '}',
  ].join('');
}

const text = (key: string, value: string | undefined): string =>
  value === undefined || value === '' ? '' : `,"${key}":${goString(value)}`;

const number = (key: string, value: number | bigint | undefined): string =>
  value === undefined || value === 0 || value === 0n ? '' : `,"${key}":${value}`;

const contentField = (ids: readonly BlobId[] | undefined): string =>
  ids === undefined ? ',"content":null' : `,"content":${idList(ids)}`;

const idList = (ids: readonly BlobId[]): string => (ids.length === 0 ? '[]' : `["${ids.join('","')}"]`);

/** A target that is not UTF-8 is stored as text for old readers, with U+FFFD, and whole in base64 beside it. */
function linkTarget(target: Buffer | undefined): string {
  if (target === undefined || target.length === 0) return '';
  if (isValidUtf8(target)) return `,"linktarget":${goString(target.toString('utf8'))}`;
  return `,"linktarget":${lossyString(target)},"linktarget_raw":"${target.toString('base64')}"`;
}

/** Go writes one escaped U+FFFD for each byte that is not UTF-8, and a well-formed U+FFFD as it is. */
function lossyString(bytes: Buffer): string {
  let out = '"';
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (isValidUtf8(bytes.subarray(start, at + 1))) {
      out += goString(bytes.toString('utf8', start, at + 1)).slice(1, -1);
      start = at + 1;
    } else if (at - start === 3 || at === bytes.length - 1) {
      out += '\\ufffd';
      at = start;
      start += 1;
    }
  }
  return `${out}"`;
}

function attributes(list: readonly ExtendedAttribute[] | undefined): string {
  if (list === undefined || list.length === 0) return '';
  const each = list.map(({ name, value }) => `{"name":${goString(name)},"value":"${value.toString('base64')}"}`);
  return `,"extended_attributes":[${each.join(',')}]`;
}

const KNOWN = new Set(
  'name type mode mtime atime ctime uid gid user group inode device_id size links linktarget linktarget_raw extended_attributes generic_attributes device content subtree error'.split(
    ' ',
  ),
);

type Fields = Readonly<Record<string, unknown>>;

/** @param what the tree, for errors */
export function decodeNode(value: unknown, what: string): StoredNode {
  const fields = object(value, what);
  const type = nodeType(fields['type'], what);
  const goMode = optional(fields, 'mode', smallNumber, what) ?? 0;
  const mode = fromGoMode(goMode);
  const raw = optional(fields, 'linktarget_raw', base64, what);
  const target = raw ?? optional(fields, 'linktarget', linkText, what);
  const node: Mutable<StoredNode> = {
    name: unquoteName(string(fields['name'], 'name', what)),
    type,
    mode,
    mtime: time(fields['mtime'], 'mtime', what),
    atime: time(fields['atime'], 'atime', what),
    ctime: time(fields['ctime'], 'ctime', what),
    uid: optional(fields, 'uid', smallNumber, what) ?? 0,
    gid: optional(fields, 'gid', smallNumber, what) ?? 0,
  };
  assign(node, 'user', optional(fields, 'user', string, what));
  assign(node, 'group', optional(fields, 'group', string, what));
  assign(node, 'inode', optional(fields, 'inode', bigNumber, what));
  assign(node, 'deviceId', optional(fields, 'device_id', bigNumber, what));
  assign(node, 'size', optional(fields, 'size', smallNumber, what));
  assign(node, 'links', optional(fields, 'links', smallNumber, what));
  assign(node, 'linkTarget', target);
  assign(node, 'extendedAttributes', optional(fields, 'extended_attributes', attributeList, what));
  assign(node, 'genericAttributes', optional(fields, 'generic_attributes', namedObject, what));
  assign(node, 'device', optional(fields, 'device', bigNumber, what));
  const content = optional(fields, 'content', ids, what);
  const subtree = optional(fields, 'subtree', blobId, what);
  if (type === 'file') assign(node, 'content', content);
  if (type === 'dir') assign(node, 'subtree', subtree);
  assign(node, 'stray', strayOf(type, content, subtree));
  assign(node, 'error', optional(fields, 'error', string, what));
  if (goMode !== toGoMode(type, mode)) node.storedMode = goMode;
  for (const key in fields) {
    if (!KNOWN.has(key)) {
      const unknown = Object.entries(fields).filter(([name]) => !KNOWN.has(name));
      Object.assign(node, unknownFields(Object.fromEntries(unknown), what));
      break;
    }
  }
  return node;
}

/** An empty list of content names nothing. */
function strayOf(
  type: NodeType,
  content: readonly BlobId[] | undefined,
  subtree: BlobId | undefined,
): StrayFields | undefined {
  if ((type === 'file' || content === undefined) && (type === 'dir' || subtree === undefined)) return undefined;
  return {
    ...(type === 'file' || content === undefined ? {} : { content }),
    ...(type === 'dir' || subtree === undefined ? {} : { subtree }),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function assign<K extends keyof StoredNode>(node: Mutable<StoredNode>, key: K, value: StoredNode[K] | undefined): void {
  if (value !== undefined) node[key] = value;
}

function optional<T>(
  fields: Fields,
  key: string,
  read: (value: unknown, key: string, what: string) => T,
  what: string,
): T | undefined {
  const value = fields[key];
  return value === undefined || value === null ? undefined : read(value, key, what);
}

function object(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw damagedJson(what, 'holds an entry that is not an object');
}

function namedObject(value: unknown, _key: string, what: string): Fields {
  const fields = object(value, what);
  unknownFields(fields, what);
  return fields;
}

function string(value: unknown, key: string, what: string): string {
  if (typeof value === 'string') return value;
  throw damagedJson(what, `holds an entry whose "${key}" is not text`);
}

function linkText(value: unknown, key: string, what: string): Buffer {
  return Buffer.from(string(value, key, what), 'utf8');
}

function base64(value: unknown, key: string, what: string): Buffer {
  return Buffer.from(string(value, key, what), 'base64');
}

function time(value: unknown, key: string, what: string): Timestamp {
  return parseTimestamp(string(value, key, what), what);
}

function smallNumber(value: unknown, key: string, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw damagedJson(what, `holds an entry whose "${key}" is not a number that a file can have`);
}

function bigNumber(value: unknown, key: string, what: string): bigint {
  if (typeof value === 'bigint' && value >= 0n) return value;
  return BigInt(smallNumber(value, key, what));
}

function nodeType(value: unknown, what: string): NodeType {
  const found = NODE_TYPES.find((type) => type === value);
  if (found !== undefined) return found;
  const shown =
    typeof value === 'string'
      ? `"${displayName(Buffer.from(value.slice(0, 80)))}"`
      : `${typeof value}, which is not text`;
  throw damagedJson(what, `holds an entry of the unknown type ${shown}`);
}

function blobId(value: unknown, key: string, what: string): BlobId {
  return parseBlobId(string(value, key, what), what);
}

function ids(value: unknown, key: string, what: string): readonly BlobId[] {
  if (Array.isArray(value)) return value.map((id) => blobId(id, key, what));
  throw damagedJson(what, `holds an entry whose "${key}" is not a list`);
}

function attributeList(value: unknown, key: string, what: string): readonly ExtendedAttribute[] {
  if (!Array.isArray(value)) throw damagedJson(what, `holds an entry whose "${key}" is not a list`);
  return value.map((item) => {
    const fields = object(item, what);
    const content = fields['value'];
    return {
      name: string(fields['name'], 'name', what),
      value: content === null ? Buffer.alloc(0) : base64(content, 'value', what),
    };
  });
}
