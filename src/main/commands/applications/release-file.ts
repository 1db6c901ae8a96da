import { readFileSync } from 'node:fs'
import { UserError, YamlSyntaxError, messageOf, readYamlDocuments } from '#base'
import type { KubeObject } from '#api'
import { releaseRef } from '#delivery'

/** What is asked for: the API server fills the rest in, and judges it. */
export interface Wish extends KubeObject {
  readonly spec?: object & { readonly author?: string }
}

/** The one Release of a file. */
export function releaseIn(file: string): Wish {
  const found = documentsIn(file).filter((document) => document !== null && document !== undefined)
  const [only, ...others] = found
  if (only === undefined || others.length > 0)
    throw new UserError(`${file} holds ${found.length} objects`, 'give a file with one Release in it')
  const { group, version, kind } = releaseRef
  const { apiVersion, kind: itsKind } = only as KubeObject
  if (apiVersion !== `${group}/${version}` || itsKind !== kind)
    throw new UserError(
      `${file} holds a ${String(itsKind)} of ${String(apiVersion)}`,
      `give a file with a ${kind} of ${group}/${version} in it; kubectl apply is for all others`,
    )
  return only as Wish
}

function documentsIn(file: string): readonly unknown[] {
  try {
    return readYamlDocuments(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw new UserError(`${file}: ${error.message}`)
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`)
  }
}
