/** JSON with one line for each second-level member: compact, and readable in a diff. */
export function table(value: Readonly<Record<string, unknown>>): string {
  const sections = Object.entries(value).map(([name, section]) => {
    const [open, close, lines] = Array.isArray(section)
      ? ['[', ']', section.map((item) => JSON.stringify(item))]
      : [
          '{',
          '}',
          Object.entries(section as Record<string, unknown>).map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`),
        ]
    return `${JSON.stringify(name)}:${open}\n${lines.join(',\n')}\n${close}`
  })
  return `{${sections.join(',\n')}}\n`
}
