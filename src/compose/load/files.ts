/** The files around a Compose project. Everything in here is read through it, so that the rest is pure. */
export interface Files {
  /** The text of a file; `undefined` when there is none. */
  read(path: string): string | undefined
  /** The home folder, for `~`. */
  readonly home: string
}

/** Joins like a shell would: an absolute path stays. */
export function within(folder: string, path: string, home: string): string {
  if (path === '~' || path.startsWith('~/')) return clean(`${home}${path.slice(1)}`)
  return clean(path.startsWith('/') ? path : `${folder}/${path}`)
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

export function clean(path: string): string {
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') kept.pop()
    else if (part !== '' && part !== '.') kept.push(part)
  }
  return `/${kept.join('/')}`
}
