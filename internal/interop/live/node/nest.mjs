// Compiles nest.ts, with decorators and their types as Nest needs them, and loads it.

import { readFileSync, writeFileSync } from 'node:fs'

import ts from 'typescript'

const source = new URL('nest.ts', import.meta.url)
const compiled = new URL('node_modules/nest.compiled.mjs', import.meta.url)

const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
  compilerOptions: {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    verbatimModuleSyntax: false,
  },
})
writeFileSync(compiled, outputText.replaceAll("'./", "'../").replaceAll('"./', '"../'))

export const { nestApp } = await import(compiled)
