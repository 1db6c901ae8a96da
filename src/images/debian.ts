import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UserError, messageOf, type Scope } from '#base'
import type { BlobCache } from './blob-cache.ts'
import { runTool } from './command.ts'
import { librariesOf } from './libraries.ts'
import type { Entry } from './tar.ts'

/** Files of packages; they lie in a folder that goes away when this is disposed of. */
export interface CollectedPackages extends Disposable {
  readonly entries: readonly Entry[]
  /** The named packages with their versions, like `redis-server=5:7.0.15-1`. */
  readonly sources: readonly string[]
}

/**
 * Programs of Debian packages with their libraries. apt decides which packages this machine would have to get so that they work; those are
 * fetched and unpacked aside, never installed; all else is taken from the machine itself. Nothing is fetched where they are installed.
 */
export async function collectPackages(
  scope: Scope,
  cache: BlobCache,
  packages: readonly string[],
  programs: readonly string[],
): Promise<CollectedPackages> {
  if (!existsSync('/usr/bin/apt-get'))
    throw new UserError(
      `packages of Debian are wanted (${packages.join(', ')}) and this machine has no apt-get`,
      'build this image on Debian or Ubuntu',
    )
  const folder = cache.scratch(scope)
  const dispose = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const unpacked = join(folder, 'root')
    const archives = await fetchPackages(scope, join(folder, 'archives'), packages)
    mkdirSync(unpacked)
    for (const archive of archives) await runTool(scope, 'dpkg-deb', ['-x', archive, unpacked])
    const versions = await versionsOf(scope, packages, archives)
    const roots = [unpacked, '/']
    const entries = programs.flatMap((program): readonly Entry[] => {
      const found = roots.map((root) => join(root, program)).find((path) => existsSync(path))
      if (found === undefined) throw new UserError(`none of ${packages.join(', ')} brings ${program}`)
      const source = realpathSync(found)
      return [{ kind: 'file', path: program, mode: 0o755, source }, ...librariesOf(source, roots)]
    })
    return { entries, sources: versions, [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Paths of the archives that apt would install. Its own cache, lists and state are left alone; old lists are refreshed once. */
async function fetchPackages(scope: Scope, folder: string, packages: readonly string[]): Promise<readonly string[]> {
  mkdirSync(join(folder, 'partial'), { recursive: true })
  const settings = ['-o', `Dir::Cache::archives=${folder}/`, '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root']
  const fetch = (): Promise<string> =>
    runTool(scope, 'apt-get', [
      'install',
      '--download-only',
      '--no-upgrade',
      '--no-install-recommends',
      '-qq',
      '-y',
      ...settings,
      ...packages,
    ])
  try {
    await fetch()
  } catch (first) {
    scope.check()
    try {
      await runTool(scope, 'apt-get', ['update', '-qq'])
      await fetch()
    } catch (error) {
      throw new UserError(
        `apt-get cannot fetch ${packages.join(', ')}: ${messageOf(error)}`,
        `give this machine a package mirror, or install the packages; first error: ${messageOf(first)}`,
      )
    }
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .toSorted()
    .map((name) => join(folder, name))
}

async function versionsOf(scope: Scope, packages: readonly string[], archives: readonly string[]): Promise<readonly string[]> {
  const fetched = new Map<string, string>()
  for (const archive of archives) {
    const [name, version] = (await runTool(scope, 'dpkg-deb', ['-W', archive])).trim().split('\t')
    if (name !== undefined && version !== undefined) fetched.set(name, version)
  }
  const versions: string[] = []
  for (const name of packages) {
    const version = fetched.get(name) ?? (await runTool(scope, 'dpkg-query', ['-W', '-f', '${Version}', name])).trim()
    versions.push(`${name}=${version}`)
  }
  return versions
}
