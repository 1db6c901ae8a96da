/**
 * Whether a text is the name of an IANA time zone, in its own letters: `Europe/Berlin`, not `europe/berlin`. The runtime's database reads names in
 * any case and resolves old names to new ones, so an old name's letters are only checked for how such names begin.
 */
export function isTimeZoneName(name: string): boolean {
  if (!name.split('/').every((part) => /^[A-Z][A-Za-z0-9._+-]{0,13}$/.test(part))) return false
  try {
    const resolved = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
    return resolved === name || resolved.toLowerCase() !== name.toLowerCase()
  } catch {
    return false
  }
}
