import { defineResource } from '../../define.ts'
import * as refs from '../../refs.gen.ts'

/** The older path to give a pod its node; it is answered and not stored. */
export const bindings = defineResource(refs.bindings, {})
