; Helix: `maf` selects around a journey, `mif` inside, `mat` around a test.

(journey (block) @function.inside) @function.around
(test (block) @test.inside) @test.around
(comment)+ @comment.around
(comment) @comment.inside
