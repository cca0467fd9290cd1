/**
 * What one source file says about other modules: every specifier, whether it is imported for values or types,
 * statically, dynamically, by `import(…)` in a type, by `require`, or re-exported. Read from the syntax tree, because
 * the type imports that matter here are gone from everything that a bundler reports.
 */
import { parseSync } from 'oxc-parser';

export interface ModuleFacts {
  /** Specifiers as written. */
  readonly imports: readonly string[];
  /** Things that are wrong whatever the file's place is: a default export, a re-export of everything, … */
  readonly faults: readonly string[];
  readonly lines: number;
  /** True when the file has nothing of its own and only hands on what others export. */
  readonly isBarrel: boolean;
}

interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}

export function readModuleFacts(path: string, text: string): ModuleFacts {
  const { program, errors } = parseSync(path, text);
  const faults = errors.map((error) => `cannot be parsed: ${error.message}`);
  const imports = new Set<string>();
  visit(program, (node) => {
    const source = importedSource(node);
    if (source === undefined) return;
    const specifier = literalValue(source);
    if (specifier === undefined) faults.push('imports a module whose name is computed');
    else imports.add(specifier);
  });
  const body = program.body as unknown as readonly SyntaxNode[];
  for (const statement of body) {
    if (statement.type === 'ExportDefaultDeclaration' || exportsNameDefault(statement)) {
      faults.push('has a default export');
    }
    if (statement.type === 'ExportAllDeclaration') faults.push('re-exports everything of another module');
  }
  return {
    imports: [...imports],
    faults,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    isBarrel:
      body.some(handsOn) && body.every((statement) => statement.type === 'ImportDeclaration' || handsOn(statement)),
  };
}

function visit(node: unknown, onNode: (node: SyntaxNode) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const item of node) visit(item, onNode);
    return;
  }
  if ('type' in node && typeof node.type === 'string') onNode(node as SyntaxNode);
  for (const value of Object.values(node)) visit(value, onNode);
}

/** The part of an importing node that names the module, or undefined for every other node. */
function importedSource(node: SyntaxNode): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ImportExpression':
    case 'ExportAllDeclaration':
    case 'TSImportType':
      return node['source'] ?? {};
    case 'ExportNamedDeclaration':
      return node['source'] ?? undefined;
    case 'TSExternalModuleReference':
      return node['expression'];
    case 'CallExpression':
      return isRequire(node['callee']) ? ((node['arguments'] as unknown[])[0] ?? {}) : undefined;
    default:
      return undefined;
  }
}

/** `require(…)`, `require.resolve(…)` and `createRequire(…)(…)`. */
function isRequire(callee: unknown): boolean {
  const { type, name, object, callee: inner } = callee as SyntaxNode;
  if (type === 'Identifier') return name === 'require';
  if (type === 'MemberExpression') return isRequire(object);
  return type === 'CallExpression' && (inner as SyntaxNode)['name'] === 'createRequire';
}

function literalValue(node: unknown): string | undefined {
  const { value } = node as { value?: unknown };
  return typeof value === 'string' ? value : undefined;
}

function exportsNameDefault(statement: SyntaxNode): boolean {
  const specifiers = (statement['specifiers'] ?? []) as readonly { exported?: { name?: string; value?: string } }[];
  return (
    statement.type === 'ExportNamedDeclaration' &&
    specifiers.some(({ exported }) => (exported?.name ?? exported?.value) === 'default')
  );
}

/** `export … from` and `export { … }`: exports without a declaration of their own. */
function handsOn(statement: SyntaxNode): boolean {
  if (statement.type === 'ExportAllDeclaration') return true;
  return statement.type === 'ExportNamedDeclaration' && !statement['declaration'];
}
