/**
 * Writes src/node/cri/containerd/cri.gen.ts from the field table of the container runtime interface (tools/gen/cri-v1.json): the
 * part of the table that the node agent's calls reach, and the types of those messages.
 *
 *   node tools/gen/cri.ts          writes
 *   node tools/gen/cri.ts --check  fails when what is there is not what would be written
 */
import { readFileSync, writeFileSync } from 'node:fs'

type FieldRow = readonly [number: number, type: string, label?: 'repeated']
interface Row {
  readonly enum?: Readonly<Record<string, number>>
  readonly service?: Readonly<Record<string, readonly [string, string, string]>>
}

const PACKAGE = 'runtime.v1.'
const SOURCE = new URL('./cri-v1.json', import.meta.url)
const TARGET = new URL('../../src/node/cri/containerd/cri.gen.ts', import.meta.url)
const CALLED: Readonly<Record<string, readonly string[]>> = {
  RuntimeService: [
    'Version',
    'Status',
    'RuntimeConfig',
    'UpdateRuntimeConfig',
    'RunPodSandbox',
    'StopPodSandbox',
    'RemovePodSandbox',
    'PodSandboxStatus',
    'ListPodSandbox',
    'CreateContainer',
    'StartContainer',
    'StopContainer',
    'RemoveContainer',
    'ListContainers',
    'ContainerStatus',
    'UpdateContainerResources',
    'ReopenContainerLog',
    'ExecSync',
    'Exec',
    'Attach',
    'PortForward',
    'ListContainerStats',
    'PodSandboxStats',
    'ListPodSandboxStats',
    'GetContainerEvents',
  ],
  ImageService: ['ListImages', 'ImageStatus', 'PullImage', 'RemoveImage', 'ImageFsInfo'],
}
const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  bytes: 'Uint8Array',
  int32: 'number',
  uint32: 'number',
  int64: 'bigint',
  uint64: 'bigint',
  double: 'number',
}

const table = JSON.parse(readFileSync(SOURCE, 'utf8')) as Readonly<Record<string, Row>>
const rowOf = (name: string): Row => {
  const row = table[PACKAGE + name]
  if (row === undefined) throw new Error(`the field table has no ${PACKAGE}${name}`)
  return row
}
const isForLinux = (type: string): boolean => !type.includes('Windows')
const fieldsOf = (row: Row): [string, FieldRow][] =>
  Object.entries(row as Readonly<Record<string, FieldRow>>).filter(([, [, type]]) => isForLinux(type))
/** `SecurityProfile.ProfileType` is written `ProfileType` in fields of SecurityProfile. */
const fullType = (owner: string, type: string): string =>
  type in SCALARS || table[PACKAGE + type] !== undefined ? type : `${owner}.${type}`

function reachable(): string[] {
  const seen = new Set<string>()
  const visit = (name: string): void => {
    if (name in SCALARS || seen.has(name)) return
    seen.add(name)
    const row = rowOf(name)
    if (row.enum !== undefined) return
    for (const [, [, type]] of fieldsOf(row)) {
      const map = /^map<string,(.*)>$/.exec(type)
      visit(fullType(name, map?.[1] ?? type))
    }
  }
  for (const [service, methods] of Object.entries(CALLED)) {
    for (const method of methods) {
      const [input, output] = rowOf(service).service?.[method] ?? []
      if (input === undefined || output === undefined) throw new Error(`the field table has no method ${service}/${method}`)
      visit(input)
      visit(output)
    }
  }
  return [...seen].sort()
}

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const typeName = (name: string): string => name.replace('.', '')

function tsType(owner: string, [, type, label]: FieldRow): string {
  const map = /^map<string,(.*)>$/.exec(type)
  const one = fullType(owner, map?.[1] ?? type)
  const base = SCALARS[one] ?? typeName(one)
  return map === null ? (label === 'repeated' ? `${base}[]` : base) : `Record<string, ${base}>`
}
const isOptional = (owner: string, [, type, label]: FieldRow): boolean => {
  if (label === 'repeated' || type.startsWith('map<')) return false
  const full = fullType(owner, type)
  return !(full in SCALARS) && rowOf(full).enum === undefined
}

const lines: string[] = ['// Written by tools/gen/cri.ts. Do not edit.', '']
const names = reachable()
for (const name of names) {
  const row = rowOf(name)
  if (row.enum !== undefined) {
    const members = Object.entries(row.enum).map(([member, number]) => `  ${member}: ${number},`)
    lines.push(`export const ${typeName(name)} = {`, ...members, '} as const', `export type ${typeName(name)} = number`, '')
    continue
  }
  lines.push(`export interface ${typeName(name)} {`)
  for (const [field, spec] of fieldsOf(row))
    lines.push(
      `  ${camel(field)}${isOptional(name, spec) ? '?: ' : ': '}${tsType(name, spec)}${isOptional(name, spec) ? ' | undefined' : ''}`,
    )
  lines.push('}', '')
}
lines.push('/** Request and answer of each method, by its path. */', 'export interface CriMethods {')
for (const [service, methods] of Object.entries(CALLED)) {
  for (const method of methods) {
    const [input = '', output = ''] = rowOf(service).service?.[method] ?? []
    lines.push(`  '${service}/${method}': { request: ${typeName(input)}; answer: ${typeName(output)} }`)
  }
}
lines.push('}', '', '/** Message → field → [number, type, label]; enums and services likewise. */', 'export const CRI_TABLE = {')
for (const name of names) {
  const row = rowOf(name)
  const kept = row.enum === undefined ? Object.fromEntries(fieldsOf(row)) : row
  lines.push(`  '${name}': ${JSON.stringify(kept)},`)
}
for (const [service, methods] of Object.entries(CALLED)) {
  lines.push(
    `  '${service}': ${JSON.stringify({ service: Object.fromEntries(methods.map((method) => [method, rowOf(service).service?.[method]])) })},`,
  )
}
lines.push('} as const', '')

const text = lines.join('\n')
if (process.argv.includes('--check')) {
  if (readFileSync(TARGET, 'utf8') !== text) throw new Error('src/node/cri/containerd/cri.gen.ts is not fresh: run node tools/gen/cri.ts')
} else {
  writeFileSync(TARGET, text)
}
