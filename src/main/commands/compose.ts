import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { UserError } from '#base'
import {
  ComposeRefused,
  type Files,
  LISTS,
  type Project,
  type ProjectOptions,
  loadProject,
  printJson,
  printList,
  printYaml,
} from '#compose'
import type { ComposeConfigFlags, ComposeFlags } from '../flags.ts'

/** `sampan compose config`: the files of a project as they are understood, or why they are not. */
export function runComposeConfig(flags: ComposeConfigFlags): void {
  const project = readProject(flags)
  if (flags.quiet) return
  const lists = LISTS.filter((list) => flags[list])
  for (const list of lists) process.stdout.write(printList(project, list))
  if (lists.length === 0) process.stdout.write(flags.format === 'json' ? printJson(project.config) : printYaml(project.config))
}

function readProject(flags: ComposeFlags): Project {
  try {
    return loadProject(optionsOf(flags))
  } catch (error) {
    throw error instanceof ComposeRefused ? new UserError(error.message) : error
  }
}

function optionsOf(flags: ComposeFlags): ProjectOptions {
  return {
    files,
    folder: process.cwd(),
    ...(flags.file.length > 0 ? { paths: flags.file } : {}),
    projectFolder: flags.projectDirectory,
    name: flags.projectName,
    profiles: flags.profile,
    environmentFiles: flags.envFile,
    environment: process.env,
    warn: (text) => console.error(`warning: ${text}`),
  }
}

const files: Files = {
  home: homedir(),
  read(path) {
    try {
      return statSync(path).isDirectory() ? undefined : readFileSync(path, 'utf8')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new UserError(`cannot read ${path}: ${String(code)}`, 'make it readable')
    }
  },
}
