export interface TextSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly atMs: number | undefined
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: (-?\d+))?$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\"': '"' }

/** The samples of the given families in Prometheus' text form. Lines that are none are passed over. */
export function readSamples(text: string, families: ReadonlySet<string>): TextSample[] {
  const samples: TextSample[] = []
  for (const line of text.split('\n')) {
    const name = /^[\w:]+/.exec(line)?.[0]
    if (name === undefined || !families.has(name)) continue
    const [, , labelText = '', value = '', at] = LINE.exec(line) ?? []
    const number = Number(value)
    if (value === '' || !Number.isFinite(number)) continue
    const labels: Record<string, string> = {}
    for (const [, label = '', raw = ''] of labelText.matchAll(LABEL))
      labels[label] = raw.replaceAll(/\\[\\n"]/g, (escape) => ESCAPES[escape] ?? escape)
    samples.push({ name, labels, value: number, atMs: at === undefined ? undefined : Number(at) })
  }
  return samples
}
