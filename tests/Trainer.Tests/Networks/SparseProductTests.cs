using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Trainer.Tests.Networks;

/// <summary>Products that skip the zeros of A against those that take every product: the same bits, whatever the numbers.</summary>
public unsafe class SparseProductTests
{
    private static readonly int[] RowCounts = [1, 2, 15, 16, 17, 64, 65, 200];
    private static readonly int[] ColumnCounts = [1, 31, 32, 33, 64, 127, 128, 130, 256, 300];
    private static readonly int[] Depths = [1, 2, 63, 64, 65, 130, 256, 300];
    private static readonly double[] Densities = [0, 0.02, 0.3, 0.5, 0.5, 0.5, 0.75, 0.9, 1];

    private enum Kind
    {
        Plain,
        Transposed,
        OuterProducts,
    }

    [Theory, InlineData(KernelWidth.Bits128), InlineData(KernelWidth.Bits256), InlineData(KernelWidth.Bits512)]
    public void Products_that_skip_zeros_have_the_bits_of_those_that_do_not(KernelWidth width)
    {
        var random = new Random(1);
        for (var i = 0; i < 300; i++)
            Sample.Draw(random).Check(KernelSet.For(width), $"sample {i}");
    }

    [Theory, InlineData(KernelWidth.Bits128), InlineData(KernelWidth.Bits256), InlineData(KernelWidth.Bits512)]
    public void Numbers_that_are_not_finite_are_not_hidden_by_zeros(KernelWidth width)
    {
        var random = new Random(2);
        for (var i = 0; i < 60; i++)
        {
            var sample = Sample.Draw(random);
            float[] hostile = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];
            sample.B.Span[random.Next(sample.B.Length)] = hostile[i % 3];
            if (i % 2 == 0)
                sample.A.Span[random.Next(sample.A.Length)] = hostile[i / 3 % 3];
            sample.Check(KernelSet.For(width), $"sample {i}");
        }
    }

    [Theory, InlineData(KernelWidth.Bits128), InlineData(KernelWidth.Bits256), InlineData(KernelWidth.Bits512)]
    public void The_sign_of_a_zero_is_that_of_the_full_sum(KernelWidth width)
    {
        // Products of such numbers round to zero, of either sign; a product with zero then decides the sign of the sum.
        var random = new Random(3);
        for (var i = 0; i < 100; i++)
        {
            var sample = Sample.Draw(random);
            foreach (var numbers in new[] { sample.A, sample.B })
            {
                foreach (ref var number in numbers.Span)
                    number *= random.Next(3) == 0 ? 1e-20f : 1e-38f;
            }

            foreach (ref var number in sample.A.Span)
                number = number == 0 && random.Next(2) == 0 ? -0f : number;
            foreach (var start in new[] { sample.Start, sample.Bias })
            {
                foreach (ref var number in start.Span)
                    number = random.Next(2) == 0 ? -0f : 0;
            }

            sample.Check(KernelSet.For(width), $"sample {i}");
        }
    }

    [Theory, InlineData(KernelWidth.Bits128), InlineData(KernelWidth.Bits256), InlineData(KernelWidth.Bits512)]
    public void What_is_known_to_be_zero_is_skipped(KernelWidth width)
    {
        // Told that all of A is zero, which it is not, no product is taken.
        var kernels = KernelSet.For(width);
        var sample = new Sample(new Random(4), Kind.Plain, rows: 64, columns: 256, depth: 70, density: 1);
        var words = new PinnedTable<ulong>(new ulong[64 * 2]);
        var product = sample.Product(words.Pointer, 2) with { Accumulate = false, Relu = false, Mask = null };
        product.Bias = sample.Bias.Pointer;
        var scratch = new PinnedBuffer(kernels.ScratchLength);
        kernels.Multiply(product, scratch.Pointer);
        GC.KeepAlive((words, scratch, sample));
        for (var row = 0; row < 64; row++)
            sample.C.Span.Slice(row * 256, 256).ShouldHaveTheBitsOf(sample.Bias.Span, $"row {row}");
    }

    private sealed class Sample
    {
        private readonly Kind kind;
        private readonly int rows;
        private readonly int columns;
        private readonly int depth;
        private readonly bool accumulate;
        private readonly bool relu;
        private readonly PinnedBuffer? bias;
        private readonly PinnedBuffer? mask;

        public Sample(Random random, Kind kind, int rows, int columns, int depth, double density)
        {
            (this.kind, this.rows, this.columns, this.depth) = (kind, rows, columns, depth);
            A = Numbers(random, rows * depth);
            B = Numbers(random, depth * columns);
            Start = Numbers(random, rows * columns);
            C = new PinnedBuffer(rows * columns);
            Bias = Numbers(random, columns);
            foreach (ref var number in A.Span)
                number = random.NextDouble() < density ? number : 0;
            if (random.Next(3) == 0)
                A.Span[..Math.Min(rows * depth, kind == Kind.OuterProducts ? rows : depth)].Clear();
            accumulate = random.Next(3) == 0;
            bias = accumulate || random.Next(2) == 0 ? null : Bias;
            relu = random.Next(2) == 0;
            mask = random.Next(2) == 0 ? null : Numbers(random, rows * columns);
        }

        public PinnedBuffer A { get; }

        public PinnedBuffer B { get; }

        public PinnedBuffer C { get; }

        public PinnedBuffer Start { get; }

        public PinnedBuffer Bias { get; }

        public static Sample Draw(Random random) => new(
            random, (Kind)random.Next(3), Any(random, RowCounts), Any(random, ColumnCounts), Any(random, Depths), Any(random, Densities));

        public Product Product(ulong* nonZeros, int words) => new()
        {
            A = A.Pointer,
            ARow = kind == Kind.OuterProducts ? 1 : depth,
            AStep = kind == Kind.OuterProducts ? rows : 1,
            NonZeros = nonZeros,
            NonZeroRow = words,
            B = B.Pointer,
            BStep = kind == Kind.Transposed ? depth : columns,
            C = C.Pointer,
            CRow = columns,
            Rows = rows,
            Columns = columns,
            Depth = depth,
            Bias = bias == null ? null : bias.Pointer,
            Mask = mask == null ? null : mask.Pointer,
            Relu = relu,
            Accumulate = accumulate,
        };

        public void Check(KernelSet kernels, string name)
        {
            var (lines, length) = kind == Kind.OuterProducts ? (depth, rows) : (rows, depth);
            var words = (length + 63) / 64;
            var known = new PinnedTable<ulong>(new ulong[lines * words]);
            kernels.NonZeros(A.Pointer, length, lines, length, known.Pointer, words);
            for (var i = 0; i < lines * length; i++)
            {
                var bit = known.Pointer[i / length * words + i % length / 64] >> (i % length % 64) & 1;
                bit.ShouldBe(A.Span[i] != 0 ? 1ul : 0ul, $"{name}: number {i} of A");
            }

            var expected = Run(kernels, Product(null, 0));
            var actual = Run(kernels, Product(known.Pointer, words));
            GC.KeepAlive(known);
            actual.AsSpan().ShouldHaveTheBitsOf(expected, $"{name}: {kind}, {rows} x {depth} x {columns}");
        }

        private float[] Run(KernelSet kernels, Product product)
        {
            var scratch = new PinnedBuffer(kernels.ScratchLength);
            Start.Span.CopyTo(C.Span);
            if (kind == Kind.Transposed)
                kernels.MultiplyTransposed(product, scratch.Pointer);
            else if (kind == Kind.OuterProducts)
                kernels.SumOuterProducts(product, scratch.Pointer);
            else
                kernels.Multiply(product, scratch.Pointer);
            GC.KeepAlive(this);
            GC.KeepAlive(scratch);
            return C.Span.ToArray();
        }

        private static T Any<T>(Random random, T[] values) => values[random.Next(values.Length)];

        private static PinnedBuffer Numbers(Random random, int count)
        {
            var buffer = new PinnedBuffer(count);
            foreach (ref var number in buffer.Span)
                number = random.NextSingle() * 2 - 1;
            return buffer;
        }
    }
}
