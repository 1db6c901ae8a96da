import type { core } from '#api'
import { type Dict, childDict, isDict } from '#compose'
import { type Findings, isTrue, textOf } from './reader.ts'
import { fileKey, fileObjectName } from './objects/volumes.ts'

export interface FileSources {
  /** The bytes of a file; `undefined` where there is none. */
  read(path: string): Uint8Array | undefined
  variable(name: string): string | undefined
}

/** ConfigMaps and Secrets for the configs and secrets of a project; external ones are there already. */
export function fileObjects(model: Dict, sources: FileSources, findings: Findings): (core.ConfigMap | core.Secret)[] {
  return (['configs', 'secrets'] as const).flatMap((kind) =>
    Object.entries(childDict(model, kind)).flatMap(([name, definition]): (core.ConfigMap | core.Secret)[] => {
      if (!isDict(definition) || isTrue(definition['external'])) return []
      const content = contentOf(kind, name, definition, sources, findings)
      if (content === undefined) return []
      const metadata = { name: fileObjectName(definition, name) }
      const data = { [fileKey(name)]: Buffer.from(content).toString('base64') }
      return kind === 'configs'
        ? [{ apiVersion: 'v1', kind: 'ConfigMap', metadata, binaryData: data }]
        : [{ apiVersion: 'v1', kind: 'Secret', metadata, data }]
    }),
  )
}

function contentOf(
  kind: 'configs' | 'secrets',
  name: string,
  definition: Dict,
  sources: FileSources,
  findings: Findings,
): Uint8Array | undefined {
  const refuse = (text: string): undefined => findings.refuse([kind, name], text) as undefined
  const { content, environment, file } = definition
  if (typeof content === 'string') return Buffer.from(content)
  if (typeof environment === 'string') {
    const value = sources.variable(environment)
    return value === undefined ? refuse(`the environment has no variable ${environment}`) : Buffer.from(value)
  }
  const path = textOf(file)
  if (path === undefined) return refuse('only files, variables and content can be carried over')
  return sources.read(path) ?? refuse(`there is no file ${path}`)
}
