const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const PATH_PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const LONGEST_PATH = 255
const IMAGE = new RegExp(
  `^((?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*)(?::([\\w][\\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
)

/** Without the registry; names without one are those of Docker Hub. */
function pathOf(name: string): string {
  const slash = name.indexOf('/')
  if (slash < 0) return `library/${name}`
  const first = name.slice(0, slash)
  return /[.:]|^localhost$/.test(first) || first !== first.toLowerCase() ? name.slice(slash + 1) : name
}

/** Whether the image's name ends in `:latest`, or in nothing that says which one. Names that are none do not move. */
export function hasMovingTag(image: string): boolean {
  const match = IMAGE.exec(image)
  if (match === null) return false
  const [, name = '', tag, digest] = match
  if (pathOf(name).length > LONGEST_PATH) return false
  return tag === 'latest' || (tag === undefined && digest === undefined)
}
