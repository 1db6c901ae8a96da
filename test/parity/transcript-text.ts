export interface TranscriptContext {
  readonly namespace: string
  readonly host: string
  readonly folder: string
  /** What the session said itself: values that stand in it are not chance. */
  readonly given: string
  readonly argv: readonly string[]
}

const AGE = String.raw`(?:\d+[smhdy])+`
const CELL_AGE = new RegExp(`(?<=\\s)${AGE}( ago)?(\\s+|$)`, 'g')
const LINE_AGE = new RegExp(`^(\\s*Age:\\s+)${AGE}`)
const HAS_AGE_COLUMN = /(?:^|\s)(?:AGE|Age)(?:\s|$)/
const TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: \+0000(?: UTC)?|Z|[+-]\d\d:?\d\d)/g
const LONG_TIME = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g
const UID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g
const THREE_DAYS_MS = 3 * 86_400_000

const isNow = (text: string): boolean => Math.abs(Date.parse(text) - Date.now()) < THREE_DAYS_MS

/** kubectl's output with what differs from run to run replaced by words, as it stands in the recordings. */
export function normalTranscript(output: string, { namespace, host, folder, given, argv }: TranscriptContext): string {
  // What was allocated is as wide as it happens to be, and so are the columns around it.
  let isWide = false
  const allocated = (word: string, found: string): string => {
    if (given.includes(found)) return found
    isWide = true
    return word
  }
  const lines = argv[0]?.startsWith('api-')
    ? output.split('\n').filter((line) => !line.includes('.example.com') || line.includes(namespace))
    : [output]
  const text = lines
    .join('\n')
    .replaceAll(namespace, '{ns}')
    .replaceAll(host, '<host>')
    .replaceAll(folder, '<home>')
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>')
    .replace(/\/tmp\/(LIVE|MERGED)-\d+/g, '<tmp>/$1')
    .replace(/\/tmp\/kubectl-edit-\d+\.(yaml|json)/g, '<tmp>/kubectl-edit.$1')
    .replace(TIME, (all) => (!given.includes(all) && isNow(`${all.slice(0, 19).replace(' ', 'T')}Z`) ? '<time>' : all))
    .replace(LONG_TIME, (all) => (isNow(all) ? '<time>' : all))
    .replace(UID, (all) => (given.includes(all) ? all : '<uid>'))
    .replace(/(resource ?version"?: *"?)[1-9]\d*/gi, '$1<rv>')
    .replace(/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<suffix>')
    .replace(/\b10\.96\.\d+\.\d+\b/g, (ip) => allocated('<ip>', ip))
    .replace(/\b3[0-2]\d{3}\b/g, (port) => allocated('<port>', port))
  let isTable = argv.includes('--no-headers')
  return text
    .split('\n')
    .map((line) => {
      if (HAS_AGE_COLUMN.test(line)) isTable = true
      else if (line === '') isTable = false
      const cells = isTable
        ? line.replace(CELL_AGE, (_all, ago: string | undefined, after: string) => `<age>${ago ?? ''}${after === '' ? '' : ' '}`)
        : line
      const aged = cells.replace(LINE_AGE, '$1<age>')
      return isWide ? aged.replace(/(\S) {2,}/g, '$1   ').replace(/-{3,}/g, '---') : aged
    })
    .join('\n')
}
