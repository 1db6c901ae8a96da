import { defineResource } from '../../define.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'

/** Answered, never stored: the API server has the answers. */
export const authenticationResources = [
  defineResource(refs.selfsubjectreviews, {}),
  defineResource(refs.tokenreviews, {}),
] as unknown as readonly Resource[]
