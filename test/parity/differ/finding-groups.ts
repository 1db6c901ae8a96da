import type { Finding } from './findings.ts'

const EXAMPLES = 3
const LONGEST_LINE = 400

/** Findings that look alike, whatever their kinds, by what differs with the particulars taken out. */
export class FindingGroups {
  readonly #groups = new Map<string, Finding[]>()
  findings = 0

  add(finding: Finding): void {
    this.findings++
    const key = signature(finding)
    const group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, [finding])
    else group.push(finding)
  }

  json(): string {
    return JSON.stringify([...this.#groups.values()].flat(), undefined, 1)
  }

  text(): string {
    return [...this.#groups.values()]
      .sort((a, b) => b.length - a.length)
      .flatMap(describe)
      .map((line) => line.slice(0, LONGEST_LINE))
      .join('\n')
  }
}

function describe(group: readonly Finding[]): readonly string[] {
  const [first] = group
  if (first === undefined) return []
  const kinds = [...new Set(group.map(({ kind, mode }) => `${mode} ${kind}`))]
  return [
    `${group.length} × ${first.status.join('/')} ${kinds.slice(0, 6).join(', ')}${kinds.length > 6 ? ` and ${kinds.length - 6} more` : ''}`,
    ...group.slice(0, EXAMPLES).map(({ change }) => `    ${change}`),
    ...first.missing.map((cause) => `        real ${cause}`),
    ...first.added.map((cause) => `        ours ${cause}`),
    ...(first.missing.length + first.added.length > 0 && first.status[0] === first.status[1]
      ? []
      : first.differences.slice(0, EXAMPLES).map(({ path, expected, got }) => `        ${path}: real ${expected}, ours ${got}`)),
  ]
}

function signature({ status, mode, differences, missing, added }: Finding): string {
  const causes = [missing[0] ?? '', added[0] ?? '']
  const about = causes.some((cause) => cause !== '') ? causes : [mode, differences[0]?.path, differences[0]?.got].map((part) => part ?? '')
  return [status.join('/'), ...about.map(general)].join(' ')
}

/** Without numbers, quoted values and the way to the field. */
function general(text: string): string {
  return text
    .replace(/"(?:\\.|[^"\\])*"/g, '""')
    .replace(/-?\d+/g, '#')
    .replace(/^[\w.[\]#-]*?((?:[\w#[\]-]+\.)?[\w[\]#-]+:)/, '$1')
}
