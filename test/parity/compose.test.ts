import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { ComposeRefused, type Files, LISTS, loadProject, printJson, printList, printYaml } from '#compose'
import { type ComposeCase, readComposeCases } from './compose-corpus.ts'

/** Every recorded Compose file means what real Compose makes of it, or is refused where that refuses it. */

/** The folder of the recordings was two levels down, so that files can name what is above. */
const FOLDER = '/tmp/recorded/q/p'
const HOME = '/home/user'

function filesOf(texts: Readonly<Record<string, string>>): Files {
  const found = new Map(Object.entries(texts).map(([path, text]) => [posix.join(FOLDER, path), text]))
  return { home: HOME, read: (path) => found.get(path) }
}

interface Arguments {
  readonly paths: string[]
  readonly profiles: string[]
  readonly environmentFiles: string[]
  projectFolder?: string
}

function argumentsOf(argv: readonly string[]): Arguments {
  const read: Arguments = { paths: [], profiles: [], environmentFiles: [] }
  for (let at = 0; at < argv.length; at += 2) {
    const value = argv[at + 1] ?? ''
    if (argv[at] === '-f') read.paths.push(value)
    else if (argv[at] === '--profile') read.profiles.push(value)
    else if (argv[at] === '--env-file') read.environmentFiles.push(value)
    else if (argv[at] === '--project-directory') read.projectFolder = value
    else throw new Error(`the recording has an option that this test does not know: ${argv[at]}`)
  }
  return read
}

function load({ files, argv, env }: ComposeCase): ReturnType<typeof loadProject> {
  const { paths, projectFolder, ...given } = argumentsOf(argv)
  return loadProject({
    ...given,
    ...(paths.length > 0 ? { paths } : {}),
    ...(projectFolder === undefined ? {} : { projectFolder }),
    files: filesOf(files),
    folder: FOLDER,
    name: 'demo',
    environment: { HOME, PATH: '/usr/bin:/bin', ...env },
    warn: () => undefined,
  })
}

const here = (text: string): string =>
  text
    .replaceAll('<dir/../..>', posix.dirname(posix.dirname(FOLDER)))
    .replaceAll('<dir/..>', posix.dirname(FOLDER))
    .replaceAll('<dir>', FOLDER)
    .replaceAll('<home>', HOME)

/** Without the marks of a null prototype, and moments as text. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('.000Z', 'Z'))
const readYaml = (text: string): unknown => plain(parse(text))

for (const { topic, cases } of readComposeCases())
  describe(`compose/${topic}`, () => {
    for (const recorded of cases)
      it(recorded.name, () => {
        const { expected } = recorded
        if (expected === undefined) {
          assert.throws(() => load(recorded), ComposeRefused)
          return
        }
        const project = load(recorded)
        const { config } = project
        assert.deepEqual(readYaml(printYaml(config)), readYaml(here(expected.yaml)))
        if (expected.json !== undefined) assert.deepEqual(JSON.parse(printJson(config)), JSON.parse(here(expected.json)))
        for (const list of LISTS) {
          const names: string | undefined = expected.lists[list]
          if (names !== undefined) assert.deepEqual(linesOf(printList(project, list)), linesOf(names), `--${list}`)
        }
      })
  })

/** The real program prints some lists in no order. */
const linesOf = (text: string): string[] => text.split('\n').sort()
