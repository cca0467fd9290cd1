/**
 * A line of a manifest: what one entry of an archive is, made of nothing but that entry, so that the line of what was
 * written and the line of what is read back are the same text or the archive is not what it should be.
 */
import type { TarHead, TarTime } from '../../tar/entry.ts';
import type { ContentHash } from './content-hash.ts';

/** A name as text where it is text, else its bytes. */
const named = (key: string, bytes: Buffer): Readonly<Record<string, string>> => {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? { [key]: text } : { [`${key}Base64`]: bytes.toString('base64') };
};

export function manifestLine(head: TarHead, hash: ContentHash | undefined): string {
  const { type, mode, uid, gid, size, devMajor, devMinor, xattrs, aclAccess, aclDefault } = head;
  return JSON.stringify({
    ...named('path', head.name),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    ...{ uid, gid, mtime: timeText(head.mtime) },
    ...(type === 'file' ? { size } : {}),
    ...(hash === undefined ? {} : { [hash.of === 'content' ? 'sha256' : 'sha256OfParts']: hash.hex }),
    ...(head.linkName.length === 0 ? {} : named(type === 'hardlink' ? 'sameFileAs' : 'linkTarget', head.linkName)),
    ...(type === 'blockdev' || type === 'chardev' ? { device: [devMajor, devMinor] } : {}),
    ...(xattrs.length === 0
      ? {}
      : { attributes: xattrs.map(({ name, value }) => ({ ...named('name', name), value: value.toString('base64') })) }),
    ...(aclAccess === undefined ? {} : named('acl', aclAccess)),
    ...(aclDefault === undefined ? {} : named('defaultAcl', aclDefault)),
  });
}

function timeText({ seconds, nanoseconds }: TarTime): string {
  return `${seconds}.${String(nanoseconds).padStart(9, '0')}`;
}

/** The path of an entry, from its line. */
export function pathOfLine(line: string): Buffer {
  const { path, pathBase64 } = JSON.parse(line) as { readonly path?: string; readonly pathBase64?: string };
  return path === undefined ? Buffer.from(pathBase64 ?? '', 'base64') : Buffer.from(path);
}

/** How an absolute path is called in an archive: without the slash at its start, and "." for "/". */
export function memberName(path: Buffer): Buffer {
  return path.length === 1 ? DOT : path.subarray(1);
}

export function pathOfMember(name: Buffer): Buffer {
  return name.equals(DOT) ? SLASH : Buffer.concat([SLASH, name]);
}

const DOT = Buffer.from('.');
const SLASH = Buffer.from('/');
